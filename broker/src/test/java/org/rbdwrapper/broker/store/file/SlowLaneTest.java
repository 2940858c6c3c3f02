package org.rbdwrapper.broker.store.file;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.store.AwaitedCompletion;
import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.ProgressListener;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.codec.IoOp;

import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;

/** One image's requests beside another's that hold what they can; no test looks at a clock. */
class SlowLaneTest extends HeldImages {
    private static final int HUNDREDS = 400;

    @Test
    void shouldServeAnImageWhileAnotherHasHundredsWaiting() throws Exception {
        StoreImage a = image("a");
        StoreImage b = image("b");
        calls.hold("a");
        List<AwaitedCompletion> ofA = submit(HUNDREDS, a, IoOp.READ, LARGE);
        ofA.addAll(submit(HUNDREDS, a, IoOp.FLUSH, 0));
        calls.awaitHolding("a", TransferLane.THREADS_AN_IMAGE + 1);
        for (int i = 0; i < 20; i++) {
            assertEquals(4096, submit(b, IoOp.READ, 0, 4096).await());
            assertEquals(LARGE, submit(b, IoOp.READ, 0, LARGE).await());
            assertEquals(3 * MIB, submit(b, IoOp.WRITE, 0, 3 * MIB).await());
            assertEquals(100 * MIB, submit(b, IoOp.DISCARD, 0, 100 * MIB).await());
            assertEquals(0, flush(b).await());
        }
        assertNoneDone(ofA);
        assertEquals(TransferLane.THREADS_AN_IMAGE + 1, calls.holding("a"));
        calls.release("a");
        for (AwaitedCompletion completion : ofA) {
            assertTrue(completion.await() >= 0);
        }
    }

    @Test
    void shouldFlushAsManyImagesAsThereAreThreadsAtATime() throws Exception {
        for (int i = 0; i < FlushLane.THREADS; i++) {
            String name = "a" + i;
            StoreImage image = image(name);
            calls.hold(name);
            flush(image);
            calls.awaitHolding(name, 1);
        }
        StoreImage b = image("b");
        AwaitedCompletion waits = flush(b);
        assertEquals(LARGE, submit(b, IoOp.READ, 0, LARGE).await()); // none of their threads
        assertEquals(0, calls.count("b fdatasync"));
        calls.release("a3");
        assertEquals(0, waits.await());
        for (int i = 0; i < FlushLane.THREADS; i++) {
            calls.release("a" + i);
        }
    }

    @Test
    void shouldGoRoundTheImagesPieceByPiece() throws Exception {
        StoreImage x = image("x");
        StoreImage y = image("y");
        StoreImage a = image("a");
        StoreImage b = image("b");
        StoreImage c = image("c");
        leaveNoThreadTo(x, y);
        submit(a, IoOp.READ, 0, 3 * MIB);
        submit(a, IoOp.READ, 10 * MIB, LARGE);
        submit(b, IoOp.DISCARD, 0, 130 * MIB);
        submit(b, IoOp.WRITE, 200 * MIB, LARGE);
        submit(c, IoOp.READ, 0, LARGE);
        AwaitedCompletion last = submit(a, IoOp.WRITE, 20 * MIB, 2 * MIB);
        calls.forget();
        calls.pass("y"); // one thread, which takes all turns from now on
        last.await();
        String mib = " " + MIB;
        String large = " " + LARGE;
        assertEquals(
                List.of(
                        "a pread 0" + mib,
                        "b fallocate 0 " + 64 * MIB,
                        "c pread 0" + large,
                        "a pread " + MIB + mib,
                        "b pwrite " + 200 * MIB + large, // a discard lets others go first
                        "a pread " + 2 * MIB + mib,
                        "b fallocate " + 64 * MIB + " " + 64 * MIB,
                        "a pread " + 10 * MIB + large,
                        "b fallocate " + 128 * MIB + " " + 2 * MIB,
                        "a pwrite " + 20 * MIB + mib,
                        "a pwrite " + 21 * MIB + mib),
                calls.record());
        calls.release("x");
        calls.release("y");
    }

    @Test
    void shouldCutWhereBlocksEnd() throws Exception {
        StoreImage a = image("a");
        assertEquals(100 * MIB, submit(a, IoOp.DISCARD, 512, 100 * MIB).await());
        assertEquals(MIB, submit(a, IoOp.READ, MIB - 512, MIB).await());
        assertEquals(
                List.of(
                        "a fallocate 512 " + (64 * MIB - 512),
                        "a fallocate " + 64 * MIB + " " + (36 * MIB + 512),
                        "a pread " + (MIB - 512) + " 512",
                        "a pread " + MIB + " " + (MIB - 512)),
                calls.record());
    }

    @Test
    void shouldMoveEveryByteOfALongTransfer() throws Exception {
        StoreImage a = image("a");
        long length = 5 * MIB + 4321;
        for (long i = 0; i < length; i += 8) {
            memory.set(ValueLayout.JAVA_LONG, i, i * 0x9E3779B97F4A7C15L);
        }
        byte[] written = memory.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
        assertEquals(length, submit(a, IoOp.WRITE, 777, length).await());
        memory.fill((byte) 0);
        assertEquals(length, submit(a, IoOp.READ, 777, length).await());
        byte[] read = memory.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
        assertArrayEquals(written, read);
    }

    @Test
    void shouldSayHowMuchOfATransferThereWas() throws Exception {
        StoreImage a = image("a");
        ImageSpec spec = ImageSpec.parse("a");
        connection.resize(spec, 3 * MIB + 100, true, ProgressListener.NONE);
        assertEquals(3 * MIB + 100, submit(a, IoOp.READ, 0, 8 * MIB).await());
        assertEquals(3 * MIB + 100, submit(a, IoOp.WRITE, 0, 8 * MIB).await());
        assertEquals(3 * MIB + 100, connection.describe(spec).size());
    }

    @Test
    void shouldWriteZeroesInShortTurnsWhereTheFileSystemHasNoHoles() throws Exception {
        calls.canFree(false);
        StoreImage a = image("a");
        memory.fill((byte) 7);
        assertEquals(4 * MIB, submit(a, IoOp.WRITE, 0, 4 * MIB).await());
        calls.forget();
        assertEquals(3 * MIB, submit(a, IoOp.WRITE_ZEROES, 100, 3 * MIB).await());
        assertEquals(1, calls.count("a fallocate")); // it is known from then on
        assertEquals(4 * MIB, submit(a, IoOp.READ, 0, 4 * MIB).await());
        for (int i = 0; i < 4 * MIB; i++) {
            boolean zero = i >= 100 && i < 100 + 3 * MIB;
            assertEquals(zero ? 0 : 7, memory.get(ValueLayout.JAVA_BYTE, i));
        }
    }

    @Test
    void shouldFailAChangeOfARangeOfWhichALaterPieceFails() throws Exception {
        calls.canFree(false);
        StoreImage a = image("a");
        connection.resize(ImageSpec.parse("a"), 2 * MIB, true, ProgressListener.NONE);
        long result = submit(a, IoOp.WRITE_ZEROES, 0, 3 * MIB).await();
        assertEquals(-Errno.EINVAL.number(), result);
    }

    @Test
    void shouldCloseAnImageWhenItsRequestsAreDone() throws Exception {
        StoreImage a = image("a");
        ImageSpec spec = ImageSpec.parse("a");
        calls.hold("a");
        List<AwaitedCompletion> queued = submit(HUNDREDS, a, IoOp.READ, 2 * MIB);
        queued.addAll(submit(HUNDREDS, a, IoOp.FLUSH, 0));
        calls.awaitHolding("a", TransferLane.THREADS_AN_IMAGE + 1);
        FutureTask<Void> closing =
                new FutureTask<>(
                        () -> {
                            a.close();
                            return null;
                        });
        Thread closer = Thread.ofPlatform().start(closing);
        awaitWaiting(closer);
        assertBusy(spec);
        assertNoneDone(queued);
        calls.release("a");
        closing.get(1, TimeUnit.MINUTES);
        for (AwaitedCompletion completion : queued) {
            assertTrue(completion.isDone());
            assertTrue(completion.await() >= 0);
        }
        connection.remove(spec, ProgressListener.NONE);
    }

    @Test
    void shouldDoWhatWasSubmittedBeforeTheStoreIsClosed() throws Exception {
        StoreImage a = image("a");
        calls.hold("a");
        List<AwaitedCompletion> queued = submit(HUNDREDS, a, IoOp.WRITE, 2 * MIB);
        queued.addAll(submit(HUNDREDS, a, IoOp.FLUSH, 0));
        calls.awaitHolding("a", TransferLane.THREADS_AN_IMAGE + 1);
        Thread closer = Thread.ofPlatform().start(store::close);
        awaitWaiting(closer);
        assertEquals(-Errno.ESHUTDOWN.number(), submit(a, IoOp.READ, 0, LARGE).await());
        calls.release("a");
        for (AwaitedCompletion completion : queued) {
            assertTrue(completion.await() >= 0);
        }
        closer.join(TimeUnit.MINUTES.toMillis(1));
        assertEquals(-Errno.ESHUTDOWN.number(), flush(a).await());
    }

    @Test
    void shouldGoOnWhenOneWhoWaitsThrows() throws Exception {
        StoreImage a = image("a");
        int more = 3 * (TransferLane.THREADS + FlushLane.THREADS);
        CountDownLatch thrown = new CountDownLatch(2 * more);
        IoCompletion throwing = new ThrowingCompletion(thrown);
        for (int i = 0; i < more; i++) {
            a.submit(IoOp.READ, memory.address(), 0, LARGE, throwing);
            a.submit(IoOp.FLUSH, 0, 0, 0, throwing);
        }
        assertTrue(thrown.await(1, TimeUnit.MINUTES));
        assertEquals(LARGE, submit(a, IoOp.READ, 0, LARGE).await());
        assertEquals(0, flush(a).await());
        a.close(); // nothing that threw is taken for under way
    }

    /** All of the lane's threads are held, those that x may not have by y. */
    private void leaveNoThreadTo(StoreImage x, StoreImage y) throws InterruptedException {
        calls.hold("x");
        calls.hold("y");
        int ofY = TransferLane.THREADS - TransferLane.THREADS_AN_IMAGE;
        submit(TransferLane.THREADS_AN_IMAGE, x, IoOp.READ, LARGE);
        submit(ofY, y, IoOp.READ, LARGE);
        calls.awaitHolding("x", TransferLane.THREADS_AN_IMAGE);
        calls.awaitHolding("y", ofY);
    }

    private void assertBusy(ImageSpec spec) {
        ErrnoException refused =
                assertThrows(
                        ErrnoException.class, () -> connection.remove(spec, ProgressListener.NONE));
        assertEquals(Errno.EBUSY, refused.errno());
    }

    private static void awaitWaiting(Thread thread) throws InterruptedException {
        while (thread.getState() != Thread.State.WAITING) {
            assertTrue(thread.isAlive());
            Thread.sleep(1);
        }
    }

    private record ThrowingCompletion(CountDownLatch thrown) implements IoCompletion {
        @Override
        public void onComplete(long result) {
            thrown.countDown();
            throw new IllegalStateException("thrown by the test");
        }

        @Override
        public void onWhollyDone() {
            onComplete(0);
        }

        @Override
        public int completionId() {
            return 0;
        }
    }
}
