package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.client.admin.BrokerAdmin;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A Java program to which everything happens at once, for {@code rbdw.random.seconds} (with many of
 * them: {@code -Djunit.jupiter.execution.timeout.mode=disabled}); {@code
 * -Drbdw.random.memory=false} without its memory's being short at times.
 */
@Timeout(300)
abstract class RandomUseOverDeathContract {
    private static final int SECONDS = Integer.getInteger("rbdw.random.seconds", 10);
    private static final int PATIENCE_SECONDS = 200;

    @TempDir private Path folder;
    private final String name = "random-" + System.nanoTime();
    private BrokerProcess broker;
    private boolean unmapped;
    private final List<String> paths = new ArrayList<>();

    @BeforeEach
    void startBroker() throws Exception {
        broker = BrokerProcess.start(options());
        for (int i = 0; i < RandomUseClient.IMAGES; i++) {
            paths.add(broker.createAndMap(name + i, RandomUseClient.SIZE + ((long) i << 20)));
        }
    }

    /** For {@code rbdwrapper-broker start}. */
    abstract String[] options() throws Exception;

    @AfterEach
    void stopBroker() throws Exception {
        try (BrokerAdmin admin = broker.admin()) {
            for (int i = 0; i < paths.size(); i++) {
                if (!unmapped) {
                    admin.unmap(paths.get(i), true);
                }
                admin.remove(name + i, (done, total) -> {});
            }
        } finally {
            broker.close();
        }
    }

    @Test
    void shouldEndWhatItHasBegunAndMixUpNothingAndHoldNothingMore() throws Exception {
        long seed = Long.getLong("rbdw.random.seed", System.nanoTime() % 1_000_000);
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        List<String> arguments =
                new ArrayList<>(
                        List.of(
                                broker.runDir().toString(),
                                folder.toString(),
                                Long.toString(seed),
                                Integer.toString(SECONDS),
                                System.getProperty("rbdw.random.memory", "true")));
        arguments.addAll(paths);
        try (JavaProcess client =
                JavaProcess.start(
                        Map.of(), RandomUseClient.class, arguments.toArray(String[]::new))) {
            client.awaitLine("quiet");
            while (client.process().isAlive()
                    && client.output().lines().noneMatch(line -> line.equals("at rest"))) {
                Thread.sleep(500 + random.nextInt(2000));
                broker.kill();
                Thread.sleep(random.nextInt(300));
                broker.startAgain();
            }
            client.awaitLine("all closed");
            unmapWithoutForce();
            client.process().getOutputStream().write('\n');
            client.process().getOutputStream().flush();
            System.out.println(client.awaitSuccess(PATIENCE_SECONDS).strip());
        }
        Map<String, Integer> after = holdingsWhenTheClientIsKnownToBeGone();
        broker.kill();
        broker.startAgain();
        Map<String, Integer> fresh = broker.awaitSteadyHoldings();
        for (String what : new String[] {"clients", "KiB of segments", "sessions noted"}) {
            assertEquals(fresh.get(what), after.get(what), what);
        }
    }

    /**
     * A session of the broker before, whose client was not back when it ended, is known to be gone
     * at the next of the looks that the broker takes once a second.
     */
    private Map<String, Integer> holdingsWhenTheClientIsKnownToBeGone() throws Exception {
        long deadline = System.nanoTime() + 10_000_000_000L;
        Map<String, Integer> held = broker.awaitSteadyHoldings();
        while (held.get("sessions noted") > 0 && System.nanoTime() < deadline) {
            held = broker.awaitSteadyHoldings();
        }
        return held;
    }

    /** While the program is there, which says that it has closed its files. */
    private void unmapWithoutForce() throws Exception {
        try (BrokerAdmin admin = broker.admin()) {
            for (String path : paths) {
                admin.unmap(path, false);
            }
        }
        unmapped = true;
    }
}
