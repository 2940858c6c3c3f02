package org.rbdwrapper.broker.store.fault;

import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Another store, whose calls fail, wait or are held as a {@link FaultPlan} says: for tests of what
 * a broker does then.
 *
 * <p>I/O that waits does not hold its caller up; what waits longest is done by a thread of this
 * store. Administrative calls wait on their caller's thread.
 */
public final class FaultStore implements ImageStore {
    private final ImageStore store;
    private final FaultPlan plan;
    private final ScheduledThreadPoolExecutor timer;

    /**
     * @param store closed with this one.
     */
    public FaultStore(ImageStore store, FaultPlan plan) {
        this.store = store;
        this.plan = plan;
        this.timer =
                new ScheduledThreadPoolExecutor(
                        1,
                        task -> Thread.ofPlatform().daemon().name("fault-store").unstarted(task));
    }

    @Override
    public String describe() {
        return "fault:" + store.describe();
    }

    @Override
    public StoreConnection connect(String name) throws ErrnoException {
        before(FaultPoint.CONNECT, "connection " + name);
        return new FaultConnection(this, store.connect(name));
    }

    @Override
    public void close() {
        timer.shutdown();
        store.close();
    }

    FaultPlan plan() {
        return plan;
    }

    /** Later, on the thread of this store or on that of who releases it. */
    void later(Fault fault, Runnable call) {
        if (fault.delayMillis() == Fault.HELD) {
            plan.hold(call);
        } else {
            var _ = timer.schedule(call, fault.delayMillis(), TimeUnit.MILLISECONDS);
        }
    }

    /** What befalls an administrative call: it waits here, and fails or goes on. */
    void before(FaultPoint point, Object what) throws ErrnoException {
        Fault fault = plan.next(point, what, 0, 0);
        if (fault == null) {
            return;
        }
        if (fault.delayMillis() > 0) {
            CountDownLatch waited = new CountDownLatch(1);
            later(fault, waited::countDown);
            try {
                waited.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ErrnoException(Errno.EINTR, point + " of " + what, e);
            }
        }
        if (fault.errno() != null) {
            throw new ErrnoException(fault.errno(), point + " of " + what + " as planned");
        }
    }
}
