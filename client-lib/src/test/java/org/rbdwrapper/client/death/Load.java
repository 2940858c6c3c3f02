package org.rbdwrapper.client.death;

/** A program that works on an image for a given time, and checks what it reads. */
interface Load {
    /** Returns when it is at work. */
    void awaitStart() throws Exception;

    /** Waits for its end; fails with what it has printed where it ended badly, or not in time. */
    void awaitSuccess(int seconds) throws Exception;

    /** Kills it if it still runs. */
    void end() throws Exception;
}
