package org.rbdwrapper.broker.testing;

import java.io.IOException;

/** Sends signals to processes, of which Java knows two only. */
public final class Signals {
    private Signals() {}

    /**
     * @param signal as kill(1) calls it; {@code STOP} stops the threads within moments.
     * @throws IOException where there is no such process.
     */
    public static void send(String signal, long pid) throws IOException, InterruptedException {
        if (new ProcessBuilder("kill", "-" + signal, Long.toString(pid)).start().waitFor() != 0) {
            throw new IOException("process " + pid + " does not take " + signal);
        }
    }
}
