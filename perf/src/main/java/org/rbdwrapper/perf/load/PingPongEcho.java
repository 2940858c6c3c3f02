package org.rbdwrapper.perf.load;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** The other process of {@link PingPong}. Ends with its stdin. */
final class PingPongEcho {
    /** Some milliseconds: then it leaves its core to what is measured between two samples. */
    private static final int LOOKS_BEFORE_SLEEP = 1 << 20;

    private PingPongEcho() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        MemorySegment rings = PingPong.map(args[0]);
        Thread.ofPlatform().daemon().start(PingPongEcho::exitWithStdin);
        for (long position = 0; ; position++) {
            int looks = 0;
            while (PingPong.sequence(rings, 0, position) != position + 1) {
                if (looks < LOOKS_BEFORE_SLEEP) {
                    looks++;
                    Thread.onSpinWait();
                } else {
                    Thread.sleep(1);
                }
            }
            PingPong.publish(rings, PingPong.RESPONSES, position);
        }
    }

    private static void exitWithStdin() {
        try {
            while (System.in.read() >= 0) {
                // nobody writes into it
            }
        } catch (IOException e) {
            System.err.println("stdin cannot be read: " + e);
        }
        System.exit(0);
    }
}
