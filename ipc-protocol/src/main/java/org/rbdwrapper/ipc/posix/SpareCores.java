package org.rbdwrapper.ipc.posix;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Whether a thread that waits may look for what it waits for, since nobody else wants its core: no
 * task of the host has waited for a core lately, or cores idle. The first is what the kernel
 * measures as pressure ({@code /proc/pressure/cpu}); without it, where all who look keep all cores
 * busy, none idles, they stop, then cores idle, and they begin again. The second is for kernels
 * that do not measure it, and for hosts where tasks wait for one core while another idles. Looked
 * at 20 times a second at most, and only when somebody asks.
 *
 * <p>Any thread, no lock, no allocation.
 */
public final class SpareCores {
    private static final String VARIABLE = "RBDW_SPIN";
    private static final String PRESSURE = "/proc/pressure/cpu";
    private static final String STATISTICS = "/proc/stat";
    private static final String NOWHERE = "";
    private static final long LOOK_EVERY_NANOS = 50_000_000;

    /** The kernel counts in units of 10 ms. */
    private static final long NANOS_PER_TICK = 10_000_000;

    private static final long LEAST_SAMPLE_NANOS = 4 * NANOS_PER_TICK;
    private static final long LONGEST_SAMPLE_NANOS = 4 * LOOK_EVERY_NANOS;
    private static final long FIRST_PAUSE_NANOS = 200_000_000;
    private static final long LONGEST_PAUSE_NANOS = 10_000_000_000L;

    /**
     * Of the time in which some task waits for a core: fewer are the kernel's own, now and then.
     */
    private static final int QUIET_SHARE = 20;

    private final double leastIdle;
    private final byte[] text = new byte[256];

    /** Whoever moves it on has the sample, and what follows, for itself. */
    private final AtomicLong nextLook = new AtomicLong(System.nanoTime());

    private final KernelText pressure;
    private final KernelText statistics;
    private final Sample waited = new Sample();
    private final Sample idle = new Sample();
    private volatile long pauseNanos;
    private volatile boolean hasPressure;
    private volatile boolean left;

    /** What a counter of the kernel's said, and when. */
    private static final class Sample {
        private boolean isThere;
        private long at;
        private long count;
        private long elapsed;

        /** How much more than last time; -1 where that is too long ago to say what is now. */
        long since(long now, long newCount) {
            elapsed = now - at;
            boolean isOfNow =
                    isThere && elapsed >= LEAST_SAMPLE_NANOS && elapsed <= LONGEST_SAMPLE_NANOS;
            long more = newCount - count;
            isThere = true;
            at = now;
            count = newCount;
            return isOfNow ? more : -1;
        }
    }

    /**
     * For who looks for what it waits for.
     *
     * @param leastIdle cores: where fewer idle, and tasks wait, none is spare.
     */
    public static SpareCores forLooking(double leastIdle) {
        return new SpareCores(leastIdle, PRESSURE, STATISTICS);
    }

    /**
     * For who needs cores that nobody uses, whatever for.
     *
     * @param leastIdle cores.
     */
    public static SpareCores idle(double leastIdle) {
        return new SpareCores(leastIdle, NOWHERE, STATISTICS);
    }

    SpareCores(double leastIdle, String pressurePath, String statisticsPath) {
        this.leastIdle = leastIdle;
        this.pressure = new KernelText(pressurePath);
        this.statistics = new KernelText(statisticsPath);
    }

    /** False where {@code RBDW_SPIN} is {@code off}, or this process may use one core only. */
    public static boolean wanted() {
        return Runtime.getRuntime().availableProcessors() > 1
                && !"off".equals(System.getenv(VARIABLE));
    }

    /**
     * False for a while, each time longer, where tasks waited and too few cores were idle; always
     * where neither can be read.
     *
     * @param now of {@link System#nanoTime}.
     */
    public boolean left(long now) {
        long next = nextLook.getPlain();
        if (now - next >= 0 && nextLook.compareAndSet(next, now + LOOK_EVERY_NANOS)) {
            takeSample(now);
        }
        return left;
    }

    /**
     * Who looked was interrupted for long: by others that need the core, which the kernel's
     * pressure will tell at the next look; or by the host of a virtual machine, which is no reason.
     */
    public void interrupted(long now) {
        if (hasPressure) {
            left = false;
            nextLook.set(now + LOOK_EVERY_NANOS);
        } else {
            pause(now);
        }
    }

    private void takeSample(long now) {
        if (isQuiet(now)) {
            onSpare();
            return;
        }
        int length = statistics.read(text);
        long ticks = idleTicks(text, length);
        if (ticks < 0) {
            pause(now);
            return;
        }
        long more = idle.since(now, ticks);
        if (more < 0) {
            return;
        }
        if (more * NANOS_PER_TICK < idle.elapsed * leastIdle) {
            pause(now);
        } else {
            onSpare();
        }
    }

    /** Whether hardly any task has waited for a core. */
    private boolean isQuiet(long now) {
        long micros = waitedMicros(text, pressure.read(text));
        hasPressure = micros >= 0;
        if (!hasPressure) {
            return false;
        }
        long more = waited.since(now, micros);
        return more >= 0 && more * 1_000 * QUIET_SHARE <= waited.elapsed;
    }

    private void onSpare() {
        left = true;
        pauseNanos = pauseNanos / 16 * 15;
    }

    private void pause(long now) {
        long pause = Math.min(LONGEST_PAUSE_NANOS, Math.max(FIRST_PAUSE_NANOS, pauseNanos * 2));
        pauseNanos = pause;
        left = false;
        nextLook.set(now + pause);
    }

    /**
     * The last number of the first line of {@code /proc/pressure/cpu}, "some avg10=… total=N": for
     * how long some task has waited for a core, in microseconds; -1 where it is not that line.
     */
    public static long waitedMicros(byte[] line, int length) {
        if (length < 4 || line[0] != 's' || line[1] != 'o' || line[2] != 'm' || line[3] != 'e') {
            return -1;
        }
        long number = -1;
        for (int i = 4; i < length && line[i] != '\n'; i++) {
            byte c = line[i];
            if (c == '=') {
                number = 0;
            } else if (number >= 0 && c >= '0' && c <= '9') {
                number = number * 10 + (c - '0');
            }
        }
        return number;
    }

    /**
     * The fourth and fifth number of the first line of {@code /proc/stat}: what all cores together
     * idled, in units of 10 ms; -1 where it is not that line.
     */
    public static long idleTicks(byte[] line, int length) {
        if (length < 4 || line[0] != 'c' || line[1] != 'p' || line[2] != 'u' || line[3] != ' ') {
            return -1;
        }
        long idle = 0;
        long number = 0;
        int numbers = 0;
        boolean inNumber = false;
        for (int i = 4; i < length && numbers < 5; i++) {
            byte c = line[i];
            if (c >= '0' && c <= '9') {
                number = number * 10 + (c - '0');
                inNumber = true;
            } else if (inNumber) {
                numbers++;
                idle += numbers >= 4 ? number : 0;
                number = 0;
                inNumber = false;
            }
        }
        return numbers == 5 ? idle : -1;
    }
}
