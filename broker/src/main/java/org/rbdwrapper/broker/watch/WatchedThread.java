package org.rbdwrapper.broker.watch;

/** A thread that goes round and round, and says so in a {@link TurnCounter}. */
final class WatchedThread extends Watched {
    private final Thread thread;
    private final TurnCounter turns;
    private final String what;

    /**
     * @param what each of its turns is.
     */
    WatchedThread(Thread thread, TurnCounter turns, String what) {
        this.thread = thread;
        this.turns = turns;
        this.what = what;
    }

    @Override
    Thread thread() {
        return thread;
    }

    @Override
    long call() {
        return isOver() ? TurnCounter.NONE : turns.call();
    }

    @Override
    long beganAt(long now) {
        return now; // it may have begun a look earlier
    }

    @Override
    String place() {
        return thread.getName();
    }

    @Override
    String what() {
        return what;
    }

    @Override
    boolean isOver() {
        return !thread.isAlive();
    }
}
