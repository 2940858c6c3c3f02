package org.rbdwrapper.perf.parts;

import org.rbdwrapper.perf.machine.Environment;

import java.util.Locale;

/** Says how far a part is and how long it will still take. One thread. */
final class Progress {
    private static final double NANOS_PER_SECOND = 1e9;
    private static final double SECONDS_PER_MINUTE = 60;

    private final Environment environment;
    private final String part;
    private final int steps;
    private final long start = System.nanoTime();
    private int done;

    /**
     * @param steps that take about equally long.
     */
    Progress(Environment environment, String part, int steps) {
        this.environment = environment;
        this.part = part;
        this.steps = steps;
    }

    /** A step begins. */
    void step(String what) {
        double elapsed = (System.nanoTime() - start) / NANOS_PER_SECOND;
        environment.say(line(part, done, steps, elapsed, what));
        done++;
    }

    static String line(String part, int done, int steps, double elapsedSeconds, String what) {
        String left =
                done == 0 ? "" : ", " + about(elapsedSeconds / done * (steps - done)) + " left";
        return String.format(Locale.ROOT, "%s %d of %d%s: %s", part, done + 1, steps, left, what);
    }

    private static String about(double seconds) {
        return seconds < SECONDS_PER_MINUTE
                ? "about %d s".formatted(Math.round(seconds))
                : "about %d min".formatted(Math.round(seconds / SECONDS_PER_MINUTE));
    }
}
