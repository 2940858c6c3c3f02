package org.rbdwrapper.broker.messenger;

import org.rbdwrapper.ipc.posix.SpareCores;

import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How many cores were idle between two looks: of the host, and, where this process may use fewer,
 * of its own share. One thread.
 */
final class IdleCores {
    private static final Path STATISTICS = Path.of("/proc/stat");
    private static final double NANOS_PER_TICK = 10_000_000;
    private static final int FIRST_LINE_LENGTH = 256;

    private long lookedAt;
    private long idleTicks = -1;
    private long usedNanos;

    /**
     * Since the last look; 0 at the first, and where it is not to be known.
     *
     * @param now of {@link System#nanoTime}.
     */
    double look(long now) {
        long idle = readIdleTicks();
        long used = processNanos();
        double cores = 0;
        double elapsed = now - lookedAt;
        if (idle >= 0 && idleTicks >= 0 && elapsed > 0) {
            double ofHost = (idle - idleTicks) * NANOS_PER_TICK / elapsed;
            double ofShare =
                    Runtime.getRuntime().availableProcessors() - (used - usedNanos) / elapsed;
            cores = Math.max(0, Math.min(ofHost, ofShare));
        }
        lookedAt = now;
        idleTicks = idle;
        usedNanos = used;
        return cores;
    }

    private static long readIdleTicks() {
        try (InputStream in = Files.newInputStream(STATISTICS)) {
            byte[] line = new byte[FIRST_LINE_LENGTH];
            return SpareCores.idleTicks(line, Math.max(0, in.read(line)));
        } catch (IOException e) {
            return -1; // then nothing is added
        }
    }

    private static long processNanos() {
        return ManagementFactory.getOperatingSystemMXBean()
                        instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getProcessCpuTime()
                : 0;
    }
}
