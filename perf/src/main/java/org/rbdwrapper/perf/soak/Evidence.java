package org.rbdwrapper.perf.soak;

import org.rbdwrapper.perf.machine.Scratch;

import java.io.IOException;

/** The folder of a run: removed at the end, unless somebody must look at it. */
final class Evidence implements AutoCloseable {
    private final Scratch scratch;
    private volatile boolean kept;

    Evidence(Scratch scratch) {
        this.scratch = scratch;
    }

    Scratch scratch() {
        return scratch;
    }

    void keep() {
        kept = true;
    }

    @Override
    public void close() throws IOException {
        if (kept) {
            Soak.say("what clients printed, the broker's log and journal are in " + scratch.path());
        } else {
            scratch.close();
        }
    }

    @Override
    public String toString() {
        return scratch.path().toString();
    }
}
