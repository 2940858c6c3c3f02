package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.broker.store.fault.Fault;
import org.rbdwrapper.broker.store.fault.FaultPlan;
import org.rbdwrapper.broker.store.fault.FaultPoint;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.control.ControlConnection;
import org.slf4j.LoggerFactory;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** What the broker's log says of a store that does not answer, or fails requests. */
@Timeout(120)
final class StoreWatchSystemTest {
    private static final int BLOCK = 512;
    private static final int SIZE = 1024 * 1024;
    private static final String WAITING = "no answer from the store";
    private static final String ANSWERED = "what waited for the store was answered, after ";

    private final FaultPlan plan = new FaultPlan();
    private final Lines lines = new Lines();
    private final Logger logger = (Logger) LoggerFactory.getLogger("org.rbdwrapper.broker.session");
    private TestBroker broker;
    private BrokerAdmin admin;
    private String path;

    /** What was logged from {@link #start} on. */
    private static final class Lines extends AppenderBase<ILoggingEvent> {
        private final List<String> all = new ArrayList<>(); // guarded by this

        @Override
        protected synchronized void append(ILoggingEvent event) {
            all.add(event.getFormattedMessage());
        }

        synchronized List<String> with(String text) {
            return all.stream().filter(line -> line.contains(text)).toList();
        }

        String await(String text, int seconds) throws InterruptedException {
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
            while (with(text).isEmpty() && System.nanoTime() < deadline) {
                Thread.sleep(20);
            }
            assertEquals(1, with(text).size(), all::toString);
            return with(text).getFirst();
        }
    }

    @BeforeEach
    void start() throws Exception {
        lines.start();
        logger.addAppender(lines);
        logger.setLevel(Level.INFO);
        broker = TestBroker.startFaulty(plan);
        admin = BrokerAdmin.connect("test", ControlConnection.connect(List.of(broker.runDir())));
        admin.create("img", SIZE);
        path = admin.map(MapRequest.of("img"));
    }

    @AfterEach
    void stop() throws Exception {
        plan.clear();
        admin.close();
        broker.close();
        logger.detachAppender(lines);
        logger.setLevel(null);
    }

    @Test
    void shouldSayOnceThatRequestsWaitAmongOthersThatDoNot() throws Exception {
        plan.add(Fault.hold(FaultPoint.WRITE).between(0, BLOCK));
        try (RbdFile file = open()) {
            CompletableFuture<Integer> held = file.writeAsync(ByteBuffer.allocate(BLOCK), 0);
            plan.awaitHeld(1);
            while (lines.with(WAITING).isEmpty()) {
                file.write(ByteBuffer.allocate(BLOCK), BLOCK); // the test's timeout ends this
                Thread.sleep(1);
            }
            String said = lines.await(WAITING, 0);
            assertTrue(said.startsWith("image rbd/img: "), said);
            assertTrue(said.contains("fault:memory") && said.contains(" to 1 request:"), said);
            Thread.sleep(1500); // another look
            assertTrue(lines.with(ANSWERED).isEmpty());
            plan.clear();
            held.get(10, TimeUnit.SECONDS);
            said = lines.await(ANSWERED, 10);
            int seconds = Integer.parseInt(said.replaceAll(".*after (\\d+) s", "$1"));
            assertTrue(seconds >= 10, said);
            assertEquals(1, lines.with(WAITING).size());
        }
    }

    @Test
    void shouldSayNothingOfRequestsThatWaitForSomeSeconds() throws Exception {
        plan.add(Fault.delay(FaultPoint.WRITE, 3000).times(4));
        try (RbdFile file = open()) {
            for (int i = 0; i < 4; i++) {
                file.write(ByteBuffer.allocate(BLOCK), 0); // of which none waits for 10 s
            }
        }
        assertTrue(lines.with(WAITING).isEmpty());
    }

    @Test
    void shouldSayOnceThatRequestsFailAndWhenNoneHasFailedForAWhile() throws Exception {
        plan.add(Fault.fail(FaultPoint.WRITE, Errno.EIO).times(20));
        for (int i = 0; i < 20; i++) {
            try (RbdFile file = open()) { // a program that fails is gone before anyone can look
                ErrnoException e =
                        assertThrows(
                                ErrnoException.class,
                                () -> file.write(ByteBuffer.allocate(BLOCK), 0));
                assertEquals(Errno.EIO, e.errno());
            }
            Thread.sleep(100);
        }
        String said = lines.await("fails requests with EIO", 10);
        assertTrue(said.startsWith("image rbd/img: the store (fault:memory) "), said);
        said = lines.await("no request has failed for 10 s", 30);
        assertTrue(said.endsWith("; 20 had"), said);
        assertEquals(1, lines.with("fails requests").size());
    }

    private RbdFile open() throws Exception {
        return RbdFile.openAt(broker.runDir(), path);
    }
}
