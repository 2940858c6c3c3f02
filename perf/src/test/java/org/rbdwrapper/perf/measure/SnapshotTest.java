package org.rbdwrapper.perf.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.perf.measure.Snapshot.Counters;

import java.io.IOException;
import java.util.List;
import java.util.Map;

class SnapshotTest {
    @Test
    void shouldSumWhatThreadsUsedSinceAndLeaveOutThoseThatEnded() {
        Snapshot before =
                new Snapshot(
                        1_000_000_000,
                        Map.of(1L, new Counters(100, 7), 2L, new Counters(900_000_000, 90)));
        Snapshot after =
                new Snapshot(
                        3_000_000_000L,
                        Map.of(
                                1L, new Counters(400_000_100, 9),
                                3L, new Counters(100_000_000, 5)));
        Usage usage = before.until(after);
        assertEquals(new Usage(2, 0.5, 7), usage);
        assertEquals(25, usage.percentOfACore());
    }

    @Test
    void shouldFindVoluntarySwitchesAmongTheOthers() {
        String status =
                "Name:\tfio\nvoluntary_ctxt_switches:\t1234\nnonvoluntary_ctxt_switches:\t9\n";
        assertEquals(1234, Snapshot.parseWaits(status));
    }

    @Test
    void shouldSeeThatThisProcessWorksAndWaits() throws Exception {
        List<Long> pids = List.of(ProcessHandle.current().pid());
        Snapshot before = Snapshot.of(pids);
        Thread.sleep(1);
        assertTrue(before.until(Snapshot.of(pids)).cpuSeconds() > 0);
        assertTrue(before.until(Snapshot.of(pids)).waits() > 0);
    }

    @Test
    void shouldNotTakeAnEndedProcessForAnIdleOne() throws Exception {
        Process ended = new ProcessBuilder("true").start();
        ended.waitFor();
        assertThrows(IOException.class, () -> Snapshot.of(List.of(ended.pid())));
    }
}
