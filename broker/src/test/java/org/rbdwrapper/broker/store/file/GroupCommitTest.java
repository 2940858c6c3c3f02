package org.rbdwrapper.broker.store.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.store.AwaitedCompletion;
import org.rbdwrapper.broker.store.ProgressListener;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.codec.IoOp;

import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;

class GroupCommitTest extends HeldImages {
    private static final int EIO = -Errno.EIO.number();

    @Test
    void shouldAnswerAllThatWaitWithOneCallThatBeginsAfterThem() throws Exception {
        StoreImage a = image("a");
        StoreImage again = reopened("a"); // another's opening of the same file
        calls.hold("a");
        AwaitedCompletion first = flush(a);
        calls.awaitHolding("a", 1);
        List<AwaitedCompletion> group = submit(50, a, IoOp.FLUSH, 0);
        group.addAll(submit(50, again, IoOp.FLUSH, 0));
        assertEquals(1, calls.count("a fdatasync")); // one at a time
        calls.pass("a");
        assertEquals(0, first.await());
        calls.awaitHolding("a", 1);
        assertNoneDone(group); // what ran when they were submitted does not cover them
        AwaitedCompletion late = flush(a);
        calls.pass("a");
        for (AwaitedCompletion completion : group) {
            assertEquals(0, completion.await());
        }
        calls.awaitHolding("a", 1);
        assertEquals(3, calls.count("a fdatasync"));
        assertEquals(false, late.isDone());
        calls.release("a");
        assertEquals(0, late.await());
        assertEquals(3, calls.count("a fdatasync"));
    }

    @Test
    void shouldFailAllThatWaitWhenTheOneCallIsToldOfLostWrites() throws Exception {
        StoreImage a = image("a");
        StoreImage again = reopened("a");
        calls.willSync(0, EIO); // as the kernel does: once, and ok from then on
        calls.hold("a");
        AwaitedCompletion first = flush(a);
        calls.awaitHolding("a", 1);
        List<AwaitedCompletion> group = submit(30, a, IoOp.FLUSH, 0);
        group.addAll(submit(30, again, IoOp.FLUSH, 0));
        calls.release("a");
        assertEquals(0, first.await());
        for (AwaitedCompletion completion : group) {
            assertEquals(EIO, completion.await());
        }
        assertEquals(EIO, flush(a).await());
        assertEquals(EIO, flush(again).await());
        assertEquals(2, calls.count("a fdatasync"));
    }

    @Test
    void shouldFailWhatWaitsWhileTheCallThatFailsRuns() throws Exception {
        StoreImage a = image("a");
        StoreImage b = image("b");
        calls.willSync(EIO);
        calls.hold("a");
        AwaitedCompletion first = flush(a);
        calls.awaitHolding("a", 1);
        List<AwaitedCompletion> group = submit(30, a, IoOp.FLUSH, 0);
        calls.release("a");
        assertEquals(EIO, first.await());
        for (AwaitedCompletion completion : group) {
            assertEquals(EIO, completion.await());
        }
        assertEquals(0, flush(b).await());
    }

    @Test
    void shouldFlushAgainOnceItIsOpenedAnew() throws Exception {
        StoreImage a = image("a");
        calls.willSync(EIO);
        assertEquals(EIO, flush(a).await());
        StoreImage again = reopened("a"); // of the same open file
        assertEquals(EIO, flush(again).await());
        a.close();
        again.close();
        assertEquals(0, flush(reopened("a")).await());
    }

    @Test
    void shouldFailFlushesWhenAResizeWasToldOfLostWrites() throws Exception {
        StoreImage a = image("a");
        ImageSpec spec = ImageSpec.parse("a");
        calls.willSync(EIO);
        ErrnoException refused =
                assertThrows(
                        ErrnoException.class,
                        () -> connection.resize(spec, 2 * SIZE, false, ProgressListener.NONE));
        assertEquals(Errno.EIO, refused.errno());
        assertEquals(EIO, flush(a).await());
        assertEquals(EIO, flush(a).await());
    }

    @Test
    void shouldOpenAndCloseOtherImagesWhileOneIsResized() throws Exception {
        image("a");
        ImageSpec spec = ImageSpec.parse("a");
        calls.hold("a");
        FutureTask<String> resizing =
                new FutureTask<>(
                        () -> connection.resize(spec, 2 * SIZE, false, ProgressListener.NONE));
        Thread.ofPlatform().start(resizing);
        calls.awaitHolding("a", 1); // in its fsync
        StoreImage b = image("b");
        assertEquals(0, flush(b).await());
        b.close();
        connection.resize(ImageSpec.parse("b"), SIZE / 2, true, ProgressListener.NONE);
        calls.release("a");
        resizing.get(1, TimeUnit.MINUTES);
        assertEquals(2 * SIZE, connection.describe(spec).size());
    }
}
