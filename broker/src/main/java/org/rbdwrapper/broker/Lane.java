package org.rbdwrapper.broker;

/**
 * Which calls of {@link Workers} wait for each other. Those of one lane share its threads, and
 * nothing of another's: a pool that does not answer keeps the calls to it waiting, and no others.
 * Closing has lanes of its own, so that what is opened without end does not keep what is there from
 * being given back.
 *
 * @param name for people, and what tells one from the other.
 * @param threads calls at a time, at least 1.
 * @param threadsPerUser of these, those for one user at most: the others find one. With 1, a user's
 *     calls are made in their order.
 * @param isWatched a call of over a second is worth a line in the log; not where it is expected,
 *     and whoever waits for it is shown its progress.
 * @param patienceMillis how long the end of the broker waits for a call that does not come back.
 */
public record Lane(
        String name, int threads, int threadsPerUser, boolean isWatched, long patienceMillis) {
    /** Longer than a store takes that is well: who was waiting goes on with the next broker. */
    private static final long PATIENCE_MILLIS = 3_000;

    /** What is to be written before the broker ends is worth more. */
    private static final long LONG_PATIENCE_MILLIS = 10_000;

    /** Calls to one pool at a time. */
    public static final int STORE_THREADS = 16;

    /** Of these, those for one user. */
    public static final int STORE_THREADS_PER_USER = 12;

    private static final String OF_POOL = "pool ";
    private static final int CLOSING_THREADS = 8;
    private static final int ADMINISTRATION_THREADS = 8;

    /** Sessions' memory: allocating it takes a core for as long as it takes. */
    public static final Lane MEMORY = new Lane("memory of sessions", 4, 1, true, PATIENCE_MILLIS);

    /** Files of the run directory, of those who come back to the next broker. */
    public static final Lane NOTES =
            new Lane("files of sessions", 4, 1, true, LONG_PATIENCE_MILLIS);

    /** Changes of the image map, one after the other whoever makes them. */
    public static final Lane JOURNAL = new Lane("the journal", 1, 1, true, LONG_PATIENCE_MILLIS);

    /** What is asked of a pool of the store, and what is opened there. */
    public static Lane ofPool(String pool) {
        return new Lane(
                OF_POOL + pool, STORE_THREADS, STORE_THREADS_PER_USER, true, PATIENCE_MILLIS);
    }

    /** Whether it is one of {@link #ofPool}. */
    boolean isOfPool() {
        return name.startsWith(OF_POOL);
    }

    /** What administrators do in a pool that may take minutes: resizing and removing images. */
    public static Lane administration(String pool) {
        return new Lane(
                "administration of pool " + pool,
                ADMINISTRATION_THREADS,
                ADMINISTRATION_THREADS,
                false,
                PATIENCE_MILLIS);
    }

    /**
     * Closing images of a pool.
     *
     * @param holdsWrites closing it may write what programs have been told is written.
     */
    public static Lane closing(String pool, boolean holdsWrites) {
        return new Lane(
                "closing in pool " + pool + (holdsWrites ? ", cached" : ""),
                CLOSING_THREADS,
                CLOSING_THREADS,
                true,
                holdsWrites ? LONG_PATIENCE_MILLIS : PATIENCE_MILLIS);
    }
}
