package org.rbdwrapper.broker.session;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.testing.Signals;

import java.util.ArrayList;
import java.util.List;

/** Whom the host keeps from running, and who just does not. */
final class StarvationTest {
    private static final int SECONDS = 60;
    private final Starvation starvation = new Starvation();

    @Test
    void shouldNotTakeSleeperForHeldUp() throws Exception {
        Process sleeper = new ProcessBuilder("sleep", "600").start();
        try {
            long now = System.nanoTime();
            assertTrue(starvation.isHeldUp((int) sleeper.pid(), now), "not known yet");
            awaitHeldUp(sleeper, false);
        } finally {
            sleeper.destroyForcibly();
        }
    }

    /** At the lowest priority, on a CPU that others want. */
    @Test
    void shouldSeeWhoWaitsForACpuAndNotWhoIsStoppedThere() throws Exception {
        List<Process> processes = new ArrayList<>();
        try {
            for (String priority : List.of("0", "0", "19")) {
                processes.add(
                        new ProcessBuilder(
                                        "taskset",
                                        "-c",
                                        "0",
                                        "nice",
                                        "-n",
                                        priority,
                                        "sh",
                                        "-c",
                                        "while :; do :; done")
                                .start());
            }
            Process starved = processes.getLast();
            awaitHeldUp(starved, true);
            Signals.send("STOP", starved.pid());
            awaitHeldUp(starved, false);
        } finally {
            processes.forEach(Process::destroyForcibly);
        }
    }

    @Test
    void shouldNotTakeProcessThatHasEndedForHeldUp() {
        assertFalse(starvation.isHeldUp(Integer.MAX_VALUE, 0));
    }

    private void awaitHeldUp(Process process, boolean expected) throws Exception {
        long now = System.nanoTime();
        long deadline = now + SECONDS * 1_000_000_000L;
        do {
            Thread.sleep(100);
            now = System.nanoTime();
            assertTrue(now - deadline < 0, "held up: " + !expected);
        } while (starvation.isHeldUp((int) process.pid(), now) != expected);
    }
}
