package org.rbdwrapper.broker.store.fault;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.store.AwaitedCompletion;
import org.rbdwrapper.broker.store.ImageIo;
import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.StoreContractTest;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.store.memory.MemoryStore;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.codec.IoOp;

import java.util.concurrent.FutureTask;

/** Without a fault it does as the store below, also where everything is delayed. */
class FaultStoreTest extends StoreContractTest {
    private static final ImageSpec SPEC = ImageSpec.parse("rbd/a");

    private final FaultPlan plan = new FaultPlan();

    @Override
    protected ImageStore openStore() {
        return new FaultStore(new MemoryStore(), plan);
    }

    @Test
    void shouldFailAsOftenAsPlanned() throws Exception {
        connection.create(SPEC, 8192);
        plan.add(Fault.fail(FaultPoint.WRITE, Errno.EIO).times(2));
        try (StoreImage image = connection.open(SPEC, false);
                ImageIo io = new ImageIo(image, 4096)) {
            assertEquals(-Errno.EIO.number(), io.write(0, new byte[] {1}));
            assertEquals(0, io.flush());
            assertEquals(-Errno.EIO.number(), io.write(0, new byte[] {1}));
            assertArrayEquals(new byte[1], io.read(0, 1));
            assertEquals(1, io.write(0, new byte[] {1}));
            assertArrayEquals(new byte[] {1}, io.read(0, 1));
        }
        assertEquals(2, plan.befallenCount());
    }

    @Test
    void shouldFailOnlyInItsRange() throws Exception {
        connection.create(SPEC, 8192);
        plan.add(Fault.fail(FaultPoint.READ, Errno.EIO).between(1000, 1001));
        try (StoreImage image = connection.open(SPEC, false);
                ImageIo io = new ImageIo(image, 4096)) {
            assertEquals(1000, io.perform(IoOp.READ, 0, 1000));
            assertEquals(-Errno.EIO.number(), io.perform(IoOp.READ, 0, 1001));
            assertEquals(-Errno.EIO.number(), io.perform(IoOp.READ, 1000, 1));
            assertEquals(1, io.perform(IoOp.READ, 1001, 1));
            plan.clear();
            assertEquals(1, io.perform(IoOp.READ, 1000, 1));
        }
    }

    @Test
    void shouldHoldUntilReleased() throws Exception {
        connection.create(SPEC, 8192);
        plan.add(Fault.hold(FaultPoint.FLUSH).times(1));
        plan.add(Fault.hold(FaultPoint.WRITE).thenFail(Errno.ETIMEDOUT).times(1));
        try (StoreImage image = connection.open(SPEC, false);
                ImageIo io = new ImageIo(image, 4096)) {
            AwaitedCompletion flush = io.submit(IoOp.FLUSH, 0, 0);
            AwaitedCompletion write = io.submit(IoOp.WRITE, 0, 10);
            assertEquals(2, plan.heldCount());
            assertEquals(10, io.perform(IoOp.WRITE, 0, 10));
            assertFalse(flush.isDone());
            assertFalse(write.isDone());
            plan.release();
            assertEquals(0, flush.await());
            assertEquals(-Errno.ETIMEDOUT.number(), write.await());
        }
    }

    @Test
    void shouldWaitForWhatIsHeldWhenAnImageIsClosed() throws Exception {
        connection.create(SPEC, 8192);
        plan.add(Fault.hold(FaultPoint.WRITE));
        StoreImage image = connection.open(SPEC, false);
        try (ImageIo io = new ImageIo(image, 4096)) {
            AwaitedCompletion write = io.submit(IoOp.WRITE, 0, 10);
            FutureTask<Boolean> close =
                    new FutureTask<>(
                            () -> {
                                image.close();
                                return write.isDone();
                            });
            Thread.ofPlatform().start(close);
            assertFalse(close.isDone());
            plan.release();
            assertEquals(true, close.get());
            assertEquals(10, write.await());
        }
    }

    @Test
    void shouldHoldAndFailAdministration() throws Exception {
        plan.add(Fault.hold(FaultPoint.CREATE).times(1));
        plan.add(Fault.fail(FaultPoint.CONNECT, Errno.ETIMEDOUT).times(1));
        plan.add(Fault.fail(FaultPoint.OPEN, Errno.EROFS).times(1));
        FutureTask<Void> create =
                new FutureTask<>(
                        () -> {
                            connection.create(SPEC, 8192);
                            return null;
                        });
        Thread.ofPlatform().start(create);
        plan.awaitHeld(1);
        refused(Errno.ENOENT, "a", () -> connection.describe(SPEC));
        plan.release();
        create.get();
        refused(Errno.ETIMEDOUT, "x", () -> store.connect("x"));
        refused(Errno.EROFS, "rbd/a", () -> connection.open(SPEC, false));
        connection.open(SPEC, false).close();
    }

    @Test
    void shouldDoAsAByteArrayDoesWhenDelayed() throws Exception {
        plan.add(Fault.delay(FaultPoint.WRITE, 1).times(200));
        plan.add(Fault.delay(FaultPoint.READ, 1).times(200));
        checkAgainstModel();
        assertEquals(400, plan.befallenCount());
    }
}
