package org.rbdwrapper.broker;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.posix.Fd;

import java.nio.file.Files;
import java.nio.file.Path;

final class RunDirectoryTest {
    private static final long KEPT_NANOS = 250_000_000; // READ_AHEAD_KEPT_NS of read_ahead.h

    @TempDir private Path folder;

    @Test
    void shouldNotServeBeforeWhatClientsOfADeadBrokerHaveReadAheadHasExpired() throws Exception {
        long died = System.nanoTime();
        Files.createFile(folder.resolve(RunDirectories.SOCKET_NAME)); // it has left that
        try (RunDirectory next = RunDirectory.acquire(folder)) {
            Fd.close(next.listen());
            assertTrue(System.nanoTime() - died >= KEPT_NANOS);
        }
    }

    @Test
    void shouldServeAtOnceWhereNobodyWaits() throws Exception {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 20; i++) {
            long began = System.nanoTime();
            try (RunDirectory first = RunDirectory.acquire(folder)) {
                Fd.close(first.listen());
                least = Math.min(least, System.nanoTime() - began);
            }
        }
        assertTrue(least < KEPT_NANOS, "the fastest of 20: " + least + " ns");
    }
}
