package org.rbdwrapper.client.io;

import java.util.concurrent.locks.LockSupport;

/**
 * For threads of the library that all of a process's files need: that the program has no memory
 * left for some moments must not end them, or everybody would wait for ever. Any thread.
 */
public final class LowMemory {
    private static final long RETRY_NANOS = 10_000_000;

    private LowMemory() {}

    /**
     * Takes a step, again and again until there is the memory for it.
     *
     * @param step that may be broken off anywhere, and begun anew.
     */
    public static void outlast(Runnable step) {
        while (true) {
            try {
                step.run();
                return;
            } catch (OutOfMemoryError e) {
                pause();
            }
        }
    }

    /** Before the next attempt; allocates nothing. */
    public static void pause() {
        LockSupport.parkNanos(RETRY_NANOS);
    }
}
