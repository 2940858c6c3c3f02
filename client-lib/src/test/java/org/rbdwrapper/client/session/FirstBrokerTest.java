package org.rbdwrapper.client.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.RunDirectories;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

final class FirstBrokerTest {
    private static final long LIMIT_NANOS = 500_000_000;

    /** That pauses allow: 10 ms, and twice as much each time. */
    private static final int MOST_ATTEMPTS = 8;

    @TempDir private Path runDir;

    @Test
    void shouldPauseBetweenAttemptsAlsoWhereTheCallerIsInterrupted() throws Exception {
        Files.createFile(runDir.resolve(RunDirectories.SOCKET_NAME)); // as a broker leaves it
        AtomicInteger attempts = new AtomicInteger();
        Thread.currentThread().interrupt();
        ErrnoException e =
                assertThrows(
                        ErrnoException.class,
                        () ->
                                FirstBroker.await(
                                        List.of(runDir),
                                        () -> {
                                            attempts.incrementAndGet();
                                            throw new ErrnoException(Errno.ECONNREFUSED, "none");
                                        },
                                        () -> {},
                                        LIMIT_NANOS));
        assertTrue(Thread.interrupted(), "it was interrupted");
        assertEquals(Errno.ECONNREFUSED, e.errno());
        assertTrue(attempts.get() > 1 && attempts.get() <= MOST_ATTEMPTS, attempts + " attempts");
    }
}
