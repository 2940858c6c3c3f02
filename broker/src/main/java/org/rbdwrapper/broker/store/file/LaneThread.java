package org.rbdwrapper.broker.store.file;

import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * A thread of a {@link SlowLane}, and how it sleeps. Idle ones are a stack: the one that has gone
 * to sleep last is woken first, as its stack, and what it used, are still in a cache. (A monitor's
 * wait set is a queue: at one request a time each would come to another thread, and find them
 * cold.)
 */
final class LaneThread {
    private final Thread thread;
    private volatile boolean isCalled;

    /** In the stack of the idle ones; guarded by the lane. */
    LaneThread below;

    /**
     * @param work is given this.
     */
    LaneThread(String name, Consumer<LaneThread> work) {
        thread = Thread.ofPlatform().daemon().name(name).unstarted(() -> work.accept(this));
    }

    Thread thread() {
        return thread;
    }

    /** With the lane's lock, before it may be called. */
    void prepareToSleep() {
        isCalled = false;
    }

    /** The thread itself, without the lane's lock: until it is called. */
    void sleep() {
        while (!isCalled) {
            LockSupport.park(this);
            Thread.interrupted(); // which nobody does, and would let it spin here
        }
    }

    /** Any thread, without the lane's lock, which the one that wakes takes. */
    void call() {
        isCalled = true;
        LockSupport.unpark(thread);
    }
}
