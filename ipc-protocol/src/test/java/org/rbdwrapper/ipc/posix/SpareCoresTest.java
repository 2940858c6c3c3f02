package org.rbdwrapper.ipc.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.charset.StandardCharsets;

final class SpareCoresTest {
    private static final long MILLISECOND = 1_000_000;

    @ParameterizedTest
    @CsvSource({
        "'cpu  1 2 3 40 5 6 7 8 9 10\ncpu0 1 2 3 40 5', 45",
        "'cpu  1 2 3 9000000000 5 6', 9000000005",
        "'cpu  1 2 3 40 5 ', 45",
        "'cpu  1 2 3 40 5', -1",
        "'cpu  1 2 3', -1",
        "'cpu0 1 2 3 40 5 6', -1",
        "'', -1",
    })
    void shouldAddIdleAndWaitingForDisks(String text, long ticks) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        assertEquals(ticks, SpareCores.idleTicks(bytes, bytes.length));
    }

    @Test
    void shouldFindNoneWhereMoreThanAllWouldHaveToIdle() throws InterruptedException {
        SpareCores cores = new SpareCores(Runtime.getRuntime().availableProcessors() + 1);
        assertFalse(left(cores, 5));
    }

    @Test
    void shouldFindAllWhereNoneHasToIdle() throws InterruptedException {
        assertEquals(true, left(new SpareCores(0), 5));
    }

    @Test
    void shouldFindNoneAfterInterruptionForEverLongerTimes() throws InterruptedException {
        SpareCores cores = new SpareCores(0);
        left(cores, 5);
        long now = System.nanoTime();
        cores.interrupted(now);
        assertFalse(cores.left(now + 199 * MILLISECOND));
        cores.interrupted(now);
        assertFalse(cores.left(now + 399 * MILLISECOND));
    }

    private static boolean left(SpareCores cores, int samples) throws InterruptedException {
        boolean left = false;
        for (int i = 0; i < samples; i++) {
            left = cores.left(System.nanoTime());
            Thread.sleep(60);
        }
        return left;
    }
}
