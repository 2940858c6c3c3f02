package org.rbdwrapper.ipc.posix;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Whether cores of the host idle, which a thread that waits may then use to look for what it waits
 * for. By {@code /proc/stat}, looked at 20 times a second at most and only when somebody asks.
 *
 * <p>Any thread, no lock, no allocation.
 */
public final class SpareCores {
    private static final String VARIABLE = "RBDW_SPIN";
    private static final long LOOK_EVERY_NANOS = 50_000_000;

    /** The kernel counts in units of 10 ms. */
    private static final long NANOS_PER_TICK = 10_000_000;

    private static final long LEAST_SAMPLE_NANOS = 4 * NANOS_PER_TICK;
    private static final long FIRST_PAUSE_NANOS = 200_000_000;
    private static final long LONGEST_PAUSE_NANOS = 10_000_000_000L;

    private final double leastIdle;
    private final byte[] text = new byte[256];

    /** Whoever moves it on has the sample, and what follows, for itself. */
    private final AtomicLong nextLook = new AtomicLong(System.nanoTime());

    private RandomAccessFile statistics;
    private boolean unreadable;
    private boolean sampled;
    private long sampledAt;
    private long sampledIdleTicks;
    private volatile long pauseNanos;
    private volatile boolean left;

    /**
     * @param leastIdle cores: where fewer idle, none is spare.
     */
    public SpareCores(double leastIdle) {
        this.leastIdle = leastIdle;
    }

    /** False where {@code RBDW_SPIN} is {@code off}, or this process may use one core only. */
    public static boolean wanted() {
        return Runtime.getRuntime().availableProcessors() > 1
                && !"off".equals(System.getenv(VARIABLE));
    }

    /**
     * False for a while, each time longer, where too few cores were idle; always where {@code
     * /proc/stat} cannot be read.
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

    /** Who looked was interrupted for long: others need the core. */
    public void interrupted(long now) {
        pause(now);
    }

    private void takeSample(long now) {
        long idle = idleTicks();
        if (idle < 0) {
            pause(now);
            return;
        }
        long elapsed = now - sampledAt;
        long idleNanos = (idle - sampledIdleTicks) * NANOS_PER_TICK;
        boolean first = !sampled;
        sampled = true;
        sampledAt = now;
        sampledIdleTicks = idle;
        if (first || elapsed < LEAST_SAMPLE_NANOS) {
            return;
        }
        if (elapsed > 4 * LOOK_EVERY_NANOS) {
            return; // says nothing of what is now
        }
        if (idleNanos < elapsed * leastIdle) {
            pause(now);
        } else {
            left = true;
            pauseNanos = pauseNanos / 16 * 15;
        }
    }

    private void pause(long now) {
        long pause = Math.min(LONGEST_PAUSE_NANOS, Math.max(FIRST_PAUSE_NANOS, pauseNanos * 2));
        pauseNanos = pause;
        left = false;
        nextLook.set(now + pause);
    }

    /** Of all cores, from the first line: "cpu user nice system idle iowait ..."; -1: not known. */
    private long idleTicks() {
        if (unreadable) {
            return -1;
        }
        try {
            if (statistics == null) {
                statistics = new RandomAccessFile("/proc/stat", "r");
            }
            statistics.seek(0);
            return idleTicks(text, statistics.read(text));
        } catch (IOException e) {
            unreadable = true; // nobody looks then, which costs time and nothing else
            return -1;
        }
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
