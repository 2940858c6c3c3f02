package org.rbdwrapper.client.death;

import org.rbdwrapper.broker.Broker;
import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.ClientLimits;
import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.store.StoreSpec;
import org.rbdwrapper.broker.store.file.FileStore;
import org.rbdwrapper.client.WrappedImagesStore;
import org.rbdwrapper.ipc.codec.IoOp;

import java.nio.file.Path;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * A broker whose store answers writes some time after they have taken effect, as one far away does:
 * when it is killed, others have seen much that its writers have no answer for.
 *
 * <p>Arguments: as {@code rbdwrapper-broker start --foreground --run-dir D --state-dir D}.
 */
final class LateAnswersBroker {
    private static final int LATEST_MICROS = 30_000;

    private static final ScheduledExecutorService LATER =
            Executors.newSingleThreadScheduledExecutor(
                    task -> Thread.ofPlatform().daemon().name("later").unstarted(task));

    private LateAnswersBroker() {}

    public static void main(String[] args) throws Exception {
        Path stateDir = Path.of(args[5]);
        Broker broker =
                Broker.start(
                        new BrokerOptions(
                                Path.of(args[3]),
                                stateDir,
                                StoreSpec.parse("file"),
                                "admin",
                                MessengerPolicy.PER_CLIENT,
                                2,
                                ClientLimits.defaults(),
                                BrokerOptions.DEFAULT_HELLO_TIMEOUT_NANOS),
                        new WrappedImagesStore(
                                FileStore.open(stateDir.resolve("images")), LateImage::new));
        Runtime.getRuntime()
                .addShutdownHook(Thread.ofPlatform().name("stop").unstarted(broker::close));
        System.out.println("ready");
        Thread.sleep(Long.MAX_VALUE);
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
