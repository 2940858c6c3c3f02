package org.rbdwrapper.ipc.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

final class SpareCoresTest {
    private static final long MILLISECOND = 1_000_000;

    @TempDir private Path folder;

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

    @ParameterizedTest
    @CsvSource({
        "'some avg10=0.12 avg60=9.23 avg300=15.11 total=417004845\n"
                + "full avg10=0.00 total=7', 417004845",
        "'some avg10=0.00 total=0', 0",
        "'full avg10=0.00 total=9', -1",
        "'some', -1",
        "'', -1",
    })
    void shouldReadForHowLongTasksWaited(String text, long micros) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        assertEquals(micros, SpareCores.waitedMicros(bytes, bytes.length));
    }

    /** Between two looks 100 ms apart. */
    @ParameterizedTest
    @CsvSource({
        "0, 0, true", // nobody waits, though no core idles: who looks keeps them busy
        "4000, 0, true",
        "6000, 0, false", // tasks wait for the cores
        "6000, 6, true", // for one, and another idles
        "100000, 4, false",
        ", 6, true", // a kernel that does not measure it
        ", 4, false",
    })
    void shouldFindCoresThatNobodyWantsOrThatIdle(Long waitedMicros, int idleTicks, boolean left)
            throws Exception {
        Path pressure = folder.resolve("pressure");
        Path statistics = folder.resolve("stat");
        SpareCores cores = new SpareCores(0.5, pressure.toString(), statistics.toString());
        long now = System.nanoTime() + 1_000 * MILLISECOND;
        for (int look = 0; look < 2; look++) {
            if (waitedMicros != null) {
                write(pressure, "some avg10=0.00 total=" + look * waitedMicros + "\nfull total=0");
            }
            write(statistics, "cpu  1 2 3 " + look * idleTicks + " 0 6");
            assertEquals(look == 1 && left, cores.left(now + look * 100L * MILLISECOND));
        }
    }

    @Test
    void shouldFindNoneWhereNothingCanBeRead() {
        SpareCores cores = new SpareCores(0, "", "");
        long now = System.nanoTime() + 1_000 * MILLISECOND;
        for (int look = 0; look < 5; look++) {
            assertFalse(cores.left(now + look * 100L * MILLISECOND));
        }
    }

    @Test
    void shouldFindIdleCoresWhereNoneHasToIdle() throws InterruptedException {
        assertTrue(left(SpareCores.idle(0), 5));
        int more = Runtime.getRuntime().availableProcessors() + 1;
        assertFalse(left(SpareCores.idle(more), 5));
    }

    @Test
    void shouldAskWhetherTasksWaitAfterAnInterruption() throws Exception {
        Path pressure = folder.resolve("pressure");
        Path statistics = folder.resolve("stat");
        SpareCores cores = new SpareCores(3, pressure.toString(), statistics.toString());
        long now = System.nanoTime() + 1_000 * MILLISECOND;
        write(pressure, "some avg10=0.00 total=10");
        write(statistics, "cpu  1 2 3 4 5 6");
        cores.left(now);
        assertTrue(cores.left(now + 50 * MILLISECOND));
        for (int i = 0; i < 5; i++) {
            now += 50 * MILLISECOND;
            cores.interrupted(now);
            assertFalse(cores.left(now + 49 * MILLISECOND));
            assertTrue(cores.left(now + 50 * MILLISECOND), "nobody has waited");
        }
        write(pressure, "some avg10=0.00 total=10010");
        cores.interrupted(now + 50 * MILLISECOND);
        assertFalse(cores.left(now + 100 * MILLISECOND), "10 ms of 50");
    }

    private static void write(Path file, String text) throws IOException {
        Files.writeString(file, text); // the same file: it stays open
    }

    @Test
    void shouldFindNoneAfterInterruptionForEverLongerTimes() throws InterruptedException {
        SpareCores cores = SpareCores.idle(0);
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
