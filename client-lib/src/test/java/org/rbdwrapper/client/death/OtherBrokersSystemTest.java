package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.IoErrors;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;

/** A program that uses two brokers, of which one is gone, or does not answer. */
@Timeout(120)
final class OtherBrokersSystemTest {
    private static final int SIZE = 1 << 20;
    private static final int LIMIT_SECONDS = 60;

    private BrokerProcess sick;
    private BrokerProcess healthy;
    private String path;

    @BeforeEach
    void startBrokers() throws Exception {
        sick = BrokerProcess.start("--store", "memory");
        healthy = BrokerProcess.start("--store", "memory");
        path = sick.createAndMap("img", SIZE);
        assertEquals(path, healthy.createAndMap("img", SIZE));
    }

    @AfterEach
    void stopBrokers() throws Exception {
        sick.close();
        healthy.close();
    }

    @Test
    void shouldServeOthersAndCloseWhileAFirstAsynchronousOperationWaitsForItsBroker()
            throws Exception {
        RbdFile file = RbdFile.openAt(sick.runDir(), path);
        FutureTask<Integer> read;
        FutureTask<?> allocation;
        try (RbdFile other = RbdFile.openAt(healthy.runDir(), path)) {
            sick.kill();
            read = begin(() -> file.readAsync(ByteBuffer.allocate(1), 0).get());
            allocation = begin(() -> file.allocate(1));
            Thread.sleep(300);
            begin(() -> other.readAsync(ByteBuffer.allocate(1), 0).get())
                    .get(LIMIT_SECONDS, TimeUnit.SECONDS);
            begin(
                            () -> {
                                other.allocate(1).close();
                                return null;
                            })
                    .get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertFalse(read.isDone());
            assertFalse(allocation.isDone());
        }
        begin(
                        () -> {
                            file.close();
                            return null;
                        })
                .get(LIMIT_SECONDS, TimeUnit.SECONDS);
        assertClosed(read);
        assertClosed(allocation);
        sick.startAgain();
    }

    @Test
    void shouldOpenFilesOfOneBrokerWhileAnotherDoesNotAnswer() throws Exception {
        sick.freeze();
        FutureTask<Integer> opening = begin(() -> readOnce(sick));
        Thread.sleep(300);
        assertEquals(1, begin(() -> readOnce(healthy)).get(LIMIT_SECONDS, TimeUnit.SECONDS));
        assertFalse(opening.isDone());
        sick.thaw();
        assertEquals(1, opening.get(LIMIT_SECONDS, TimeUnit.SECONDS));
    }

    @Test
    void shouldLetVirtualThreadsGoOnWhileOthersWaitForABrokerThatDoesNotAnswer() throws Exception {
        try (JavaProcess program =
                JavaProcess.start(
                        Map.of(), VirtualThreadsClient.class, sick.runDir().toString(), path)) {
            program.awaitLine("open");
            sick.freeze();
            program.process().getOutputStream().close();
            try {
                program.awaitLine("going on");
            } finally {
                sick.thaw();
            }
            assertTrue(program.awaitSuccess(LIMIT_SECONDS).contains("done"));
        }
    }

    private int readOnce(BrokerProcess broker) throws Exception {
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            return file.read(ByteBuffer.allocate(1), 0);
        }
    }

    private static void assertClosed(FutureTask<?> task) {
        ExecutionException e =
                assertThrows(
                        ExecutionException.class, () -> task.get(LIMIT_SECONDS, TimeUnit.SECONDS));
        assertEquals(Errno.EBADF, IoErrors.errno(e));
    }

    /** By a thread of its own. */
    private static <T> FutureTask<T> begin(Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(work);
        Thread.ofPlatform().daemon().start(task);
        return task;
    }
}
