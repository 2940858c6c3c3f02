package org.rbdwrapper.broker.fuzz;

import java.nio.file.Path;

/** {@code Replay TARGET CORPUS}: runs the inputs of a folder; exits 1 with what one has found. */
public final class Replay {
    private static boolean on;

    private Replay() {}

    /** False under a fuzzer. */
    public static boolean isOn() {
        return on;
    }

    public static void main(String[] arguments) {
        on = true;
        try {
            int inputs = FuzzTarget.valueOf(arguments[0]).replay(Path.of(arguments[1]));
            System.out.println(inputs + " inputs");
            System.exit(0);
        } catch (Throwable t) {
            t.printStackTrace(System.out);
            System.exit(1);
        }
    }
}
