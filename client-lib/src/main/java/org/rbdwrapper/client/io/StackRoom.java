package org.rbdwrapper.client.io;

/**
 * Whether the calling thread's stack has room for an operation: near its end any call may throw
 * {@link StackOverflowError}, also one that gives back what the operation has taken, and others
 * would wait for that for ever. So it is thrown before anything is taken. Any thread.
 *
 * <p>Nothing tells how much is left. It is tried with frames that are large although little is done
 * in them: a frame has room for all values that are needed at once anywhere in its method, also
 * where that part hardly ever runs. The compiler leaves out parts that it has never seen to run, so
 * this one runs a few times at first.
 */
public final class StackRoom {
    /**
     * With 8 of them {@code DeepStackSystemTest} finds operations that were broken off, with 10
     * none.
     */
    private static final int FRAMES = 12;

    /** With 12 of them it finds sessions that were ended by calls which were broken off. */
    private static final int FRAMES_TO_ASK = 24;

    private static final int RUNS_AT_FIRST = 4_000;
    private static final int FULL_EVERY = 64;

    private static volatile long value = 1;

    static {
        for (int i = 0; i < RUNS_AT_FIRST; i++) {
            probe(0, i % FULL_EVERY == 0);
        }
    }

    private StackRoom() {}

    /**
     * @throws StackOverflowError where there is not enough.
     */
    public static void require() {
        probe(FRAMES - 1, false);
    }

    /**
     * Likewise, for what asks the broker by its socket: a call there that is broken off ends the
     * session.
     */
    public static void requireToAsk() {
        probe(FRAMES_TO_ASK - 1, false);
    }

    private static long probe(int frames, boolean full) {
        long sum = 0;
        if (full) {
            long v0 = value;
            long v1 = value;
            long v2 = value;
            long v3 = value;
            long v4 = value;
            long v5 = value;
            long v6 = value;
            long v7 = value;
            long v8 = value;
            long v9 = value;
            long v10 = value;
            long v11 = value;
            long v12 = value;
            long v13 = value;
            long v14 = value;
            long v15 = value;
            long v16 = value;
            long v17 = value;
            long v18 = value;
            long v19 = value;
            long v20 = value;
            long v21 = value;
            long v22 = value;
            long v23 = value;
            long v24 = value;
            long v25 = value;
            long v26 = value;
            long v27 = value;
            long v28 = value;
            long v29 = value;
            long v30 = value;
            long v31 = value;
            long v32 = value;
            long v33 = value;
            long v34 = value;
            long v35 = value;
            long v36 = value;
            long v37 = value;
            long v38 = value;
            long v39 = value;
            value = v0; // so that those before it are kept meanwhile
            sum =
                    v0 + v1 + v2 + v3 + v4 + v5 + v6 + v7 + v8 + v9 + v10 + v11 + v12 + v13 + v14
                            + v15 + v16 + v17 + v18 + v19 + v20 + v21 + v22 + v23 + v24 + v25 + v26
                            + v27 + v28 + v29 + v30 + v31 + v32 + v33 + v34 + v35 + v36 + v37 + v38
                            + v39;
        }
        return frames == 0 ? sum : sum + probe(frames - 1, full);
    }
}
