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
    private String path;

    @BeforeEach
    void startBroker() throws Exception {
        broker = BrokerProcess.start(options());
        path = broker.createAndMap(name, 8 << 20);
    }

    /** For {@code rbdwrapper-broker start}. */
    abstract String[] options() throws Exception;

    @AfterEach
    void stopBroker() throws Exception {
        try (BrokerAdmin admin = broker.admin()) {
            admin.unmap(path, true);
            admin.remove(name, (done, total) -> {});
        } finally {
            broker.close();
        }
    }

    @Test
    void shouldEndWhatItHasBegunAndHoldNothingMore() throws Exception {
        long seed = Long.getLong("rbdw.random.seed", System.nanoTime() % 1_000_000);
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        try (JavaProcess client =
                JavaProcess.start(
                        Map.of(),
                        RandomUseClient.class,
                        broker.runDir().toString(),
                        path,
                        folder.toString(),
                        Long.toString(seed),
                        Integer.toString(SECONDS),
                        System.getProperty("rbdw.random.memory", "true"))) {
            client.awaitLine("quiet");
            while (client.process().isAlive()
                    && client.output().lines().noneMatch(line -> line.equals("at rest"))) {
                Thread.sleep(500 + random.nextInt(2000));
                broker.kill();
                Thread.sleep(random.nextInt(300));
                broker.startAgain();
            }
            System.out.println(client.awaitSuccess(PATIENCE_SECONDS).strip());
        }
        Map<String, Integer> after = broker.awaitSteadyHoldings();
        broker.kill();
        broker.startAgain();
        Map<String, Integer> fresh = broker.awaitSteadyHoldings();
        for (String what : new String[] {"clients", "KiB of segments", "sessions noted"}) {
            assertEquals(fresh.get(what), after.get(what), what);
        }
    }
}
