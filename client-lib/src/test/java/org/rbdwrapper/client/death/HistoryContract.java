package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.client.history.History;
import org.rbdwrapper.client.history.Pause;
import org.rbdwrapper.ipc.Errno;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * Programs that share blocks while their broker ends over and over: what all of them saw of each
 * block is explained by one order of what they did (the broker's {@code ReturnGrace} says why that
 * is not so of itself).
 */
@Execution(ExecutionMode.SAME_THREAD)
abstract class HistoryContract {
    /** Brokers that are killed. Every seventh is stopped as for an upgrade instead. */
    private static final int KILLS = Integer.getInteger("rbdw.history.kills", 4);

    private static final int RESTART_EVERY = 4;

    /** Of those that come too late: in each, two brokers are killed. */
    private static final int LATE = Integer.getInteger("rbdw.history.late", 1);

    /** Longer than the broker waits for who does not come back. */
    private static final int LATE_MILLIS = 4000;

    /** The kernel tells clients at once; they may have to wait for a core. */
    private static final long NOTICED_NANOS = 100_000_000;

    private static final int BLOCKS = 8;
    private static final String EIO = Integer.toString(Errno.EIO.number());

    @TempDir private Path temporary;
    private final List<Pause> pauses = new ArrayList<>();

    abstract BrokerProcess startBroker() throws Exception;

    /**
     * Of a block, where a broker is to be killed while it has done a part of a write: the store
     * takes long enough for these.
     */
    abstract int bytesThatTakeTime();

    /** Whether a read and a write at the same time see each other's block whole. */
    abstract boolean areBlocksWhole();

    @Test
    void shouldShowOneOrderOverKillsOfBroker() throws Exception {
        check(
                bytesThatTakeTime(),
                (broker, programs, random) -> {
                    for (int i = 1; i <= KILLS; i++) {
                        Thread.sleep(random.nextInt(600));
                        boolean restart = i % RESTART_EVERY == 0;
                        replace(broker, restart ? broker::stopForSuccessor : broker::kill);
                    }
                },
                Set.of());
    }

    /** A program ends in the middle of it, and another comes. */
    @Test
    void shouldShowOneOrderOverKillsOfPrograms() throws Exception {
        check(
                4096,
                (broker, programs, random) -> {
                    HistoryPrograms.Kind[] kinds = HistoryPrograms.Kind.values();
                    for (int i = 0; i < Math.max(1, KILLS / 3); i++) {
                        Thread.sleep(random.nextInt(300));
                        int killed = i;
                        replace(
                                broker,
                                () -> {
                                    broker.kill();
                                    programs.kill(killed);
                                });
                        programs.start(kinds[i % kinds.length]);
                    }
                },
                Set.of());
    }

    /** Who is stopped for too long does not overwrite what others have done since. */
    @Test
    void shouldShowOneOrderWhereProgramsComeTooLate() throws Exception {
        check(
                bytesThatTakeTime(),
                (broker, programs, random) -> {
                    for (int i = 0; i < LATE; i++) {
                        Thread.sleep(random.nextInt(300));
                        replace(
                                broker,
                                () -> {
                                    broker.kill();
                                    for (int late = 1; late < programs.count() / 2; late++) {
                                        programs.stop(late);
                                    }
                                });
                        programs.stop(0); // while it comes back, or just before or after that
                        Thread.sleep(LATE_MILLIS);
                        for (int late = 0; late < programs.count() / 2; late++) {
                            programs.resume(late);
                        }
                        // some of them have heard by then that they are late, and others not
                        Thread.sleep(random.nextInt(100));
                        replace(broker, broker::kill);
                    }
                },
                Set.of(EIO));
    }

    private void replace(BrokerProcess broker, Blow blow) throws Exception {
        long began = System.nanoTime();
        blow.strike();
        pauses.add(new Pause(began, System.nanoTime() + NOTICED_NANOS));
        broker.startAgain();
    }

    /** Ends a broker. */
    @FunctionalInterface
    private interface Blow {
        void strike() throws Exception;
    }

    @FunctionalInterface
    private interface Blows {
        void strike(BrokerProcess broker, HistoryPrograms programs, SplittableRandom random)
                throws Exception;
    }

    private void check(int blockLength, Blows blows, Set<String> errors) throws Exception {
        String name = "history-" + System.nanoTime();
        long seed = System.nanoTime();
        try (BrokerProcess broker = startBroker()) {
            String path;
            try (BrokerAdmin admin = broker.admin()) {
                admin.create(name, (long) BLOCKS * blockLength);
                path = admin.map(MapRequest.of(name));
            }
            History history;
            try (HistoryPrograms programs =
                    new HistoryPrograms(broker.runDir(), path, temporary, BLOCKS, blockLength)) {
                // those that are stopped or killed come first: one of each kind
                for (int i = 0; i < 2; i++) {
                    for (HistoryPrograms.Kind kind : HistoryPrograms.Kind.values()) {
                        programs.start(kind);
                    }
                }
                blows.strike(broker, programs, new SplittableRandom(seed));
                Thread.sleep(300);
                history = programs.finish();
            }
            try (BrokerAdmin admin = broker.admin()) {
                admin.unmap(path, true);
                admin.remove(name, (done, total) -> {});
            }
            judge(history, errors);
        }
    }

    private void judge(History history, Set<String> errors) {
        long began = System.nanoTime();
        Optional<String> violation = history.findViolation(pauses);
        System.out.println(
                history.operations()
                        + " operations, "
                        + history.unknown()
                        + " writes of unknown end, "
                        + history.torn()
                        + " torn reads, failures "
                        + history.failures()
                        + "; checked in "
                        + (System.nanoTime() - began) / 1_000_000
                        + " ms");
        assertTrue(violation.isEmpty(), () -> violation.orElseThrow());
        assertTrue(
                errors.containsAll(history.failures().keySet()),
                () -> "errno and how often: " + history.failures());
        assertTrue(history.operations() > 1000, () -> history.operations() + " operations");
        if (areBlocksWhole()) {
            assertEquals(0, history.torn());
        }
    }
}
