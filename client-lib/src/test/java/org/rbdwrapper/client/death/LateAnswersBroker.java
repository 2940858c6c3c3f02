package org.rbdwrapper.client.death;

import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.store.file.FileStore;
import org.rbdwrapper.client.WrappedImagesStore;
import org.rbdwrapper.ipc.codec.IoOp;

import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * A broker whose store answers writes some time after they have taken effect, as one far away does:
 * when it is killed, others have seen much that its writers have no answer for.
 *
 * <p>Arguments: see {@link BrokerOnStore}.
 */
final class LateAnswersBroker {
    private static final int LATEST_MICROS = 30_000;

    private static final ScheduledExecutorService LATER =
            Executors.newSingleThreadScheduledExecutor(
                    task -> Thread.ofPlatform().daemon().name("later").unstarted(task));

    private LateAnswersBroker() {}

    public static void main(String[] args) throws Exception {
        BrokerOnStore.serve(
                args,
                stateDir ->
                        new WrappedImagesStore(
                                FileStore.open(stateDir.resolve("images")), LateImage::new));
    }

    private static final class LateImage extends WrappedImagesStore.WrappedImage {
        LateImage(StoreImage image) {
            super(image);
        }

        @Override
        public void submit(
                IoOp op, long address, long position, long length, IoCompletion completion) {
            image.submit(
                    op,
                    address,
                    position,
                    length,
                    op == IoOp.WRITE ? new Late(completion) : completion);
        }
    }

    private record Late(IoCompletion completion) implements IoCompletion {
        @Override
        public int completionId() {
            return completion.completionId();
        }

        @Override
        public void onComplete(long result) {
            later(() -> completion.onComplete(result));
        }

        @Override
        public void onWhollyDone() {
            later(completion::onWhollyDone);
        }

        private static void later(Runnable answer) {
            var _ =
                    LATER.schedule(
                            answer,
                            ThreadLocalRandom.current().nextInt(LATEST_MICROS),
                            TimeUnit.MICROSECONDS);
        }
    }
}
