package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;

import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;

/** Brokers that end under load: programs see a pause and nothing else. */
@Execution(ExecutionMode.SAME_THREAD)
abstract class BrokerDeathContract {
    private static final int KILLS = Integer.getInteger("rbdw.broker.kills", 3);
    private static final int RESTARTS = Integer.getInteger("rbdw.broker.restarts", 1);
    static final long SIZE = 384L * 1024 * 1024;

    @TempDir private Path temporary;
    private final String name = "outlives-" + System.nanoTime();
    private BrokerProcess broker;
    private String path;

    /** For {@code rbdwrapper-broker start}. */
    abstract String[] options() throws Exception;

    @BeforeEach
    void startBroker() throws Exception {
        broker = BrokerProcess.start(options());
        try (BrokerAdmin admin = broker.admin()) {
            admin.create(name, SIZE);
            path = admin.map(MapRequest.of(name));
        }
    }

    @AfterEach
    void stopBroker() throws Exception {
        try (BrokerAdmin admin = broker.admin()) {
            admin.unmap(path, true);
            admin.remove(name, (done, total) -> {});
        } finally {
            broker.close();
        }
    }

    @ParameterizedTest
    @EnumSource(Program.class)
    void shouldGoOnAfterKills(Program program) throws Exception {
        SplittableRandom random = new SplittableRandom();
        underLoad(
                program,
                KILLS,
                () -> {
                    Thread.sleep(random.nextInt(1000));
                    broker.kill();
                    broker.startAgain();
                });
    }

    @ParameterizedTest
    @EnumSource(Program.class)
    void shouldGoOnAfterRestarts(Program program) throws Exception {
        underLoad(
                program,
                RESTARTS,
                () -> {
                    Thread.sleep(300);
                    broker.stopForSuccessor();
                    broker.startAgain();
                });
    }

    @Test
    void shouldFinishWhatWasBegunWithoutABroker() throws Exception {
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            file.writeAsync(ByteBuffer.wrap(new byte[] {1}), 0).join();
            broker.kill();
            var written = file.writeAsync(ByteBuffer.wrap(new byte[] {2, 3}), 0);
            var read =
                    java.util.concurrent.CompletableFuture.supplyAsync(
                            () -> {
                                ByteBuffer back = ByteBuffer.allocate(1);
                                try {
                                    file.read(back, 100);
                                    return file.size();
                                } catch (java.io.IOException e) {
                                    throw new IllegalStateException(e);
                                }
                            });
            Thread.sleep(100);
            assertTrue(!written.isDone() && !read.isDone());
            broker.startAgain();
            assertEquals(2, written.join());
            assertEquals(SIZE, read.join());
            ByteBuffer back = ByteBuffer.allocate(2);
            file.read(back, 0);
            assertArrayEquals(new byte[] {2, 3}, back.array());
        }
    }

    private interface Blow {
        void strike() throws Exception;
    }

    private void underLoad(Program program, int blows, Blow blow) throws Exception {
        Path model = temporary.resolve("model");
        try (RandomAccessFile file = new RandomAccessFile(model.toFile(), "rw")) {
            file.setLength(SIZE);
        }
        int seconds = 3 * blows + 2;
        List<Load> loads = program.start(broker.runDir(), path, model, seconds);
        try {
            for (Load load : loads) {
                load.awaitStart();
            }
            for (int i = 0; i < blows; i++) {
                blow.strike();
            }
            for (Load load : loads) {
                load.awaitSuccess(seconds + 120);
            }
        } finally {
            for (Load load : loads) {
                load.end();
            }
        }
    }
}
