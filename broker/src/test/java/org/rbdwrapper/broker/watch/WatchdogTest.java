package org.rbdwrapper.broker.watch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.List;
import java.util.concurrent.CountDownLatch;

/** With threads that are stuck: for as long as it takes the watchdog to find them. */
@Timeout(120)
final class WatchdogTest {
    private final LogLines lines = new LogLines(Watchdog.class.getName());
    private final Watchdog watchdog = Watchdog.start();
    private final CountDownLatch released = new CountDownLatch(1);

    @AfterEach
    void close() throws InterruptedException {
        released.countDown();
        watchdog.close();
        lines.close();
    }

    @Test
    void shouldShowAThreadThatIsInOneTurnUntilItGoesOn() throws Exception {
        TurnCounter turns = new TurnCounter();
        CountDownLatch ends = new CountDownLatch(1);
        Thread loop =
                Thread.ofPlatform()
                        .daemon()
                        .name("test-loop")
                        .start(
                                () -> {
                                    turns.onTurn();
                                    await(released);
                                    turns.onWait();
                                    await(ends);
                                });
        watchdog.watch(loop, turns, "a turn of the test");
        awaitStalls(1);
        StallReport stall = watchdog.stalls().getFirst();
        assertEquals("test-loop", stall.thread());
        assertEquals("a turn of the test", stall.what());
        assertTrue(lines.with("test-loop").getFirst().contains("WatchdogTest.await:"));
        released.countDown();
        awaitStalls(0); // though it waits for ever
        assertEquals(2, lines.with("test-loop").size());
        ends.countDown();
    }

    @Test
    void shouldShowACallUntilItIsClosed() throws Exception {
        CountDownLatch first = new CountDownLatch(1);
        Thread caller =
                Thread.ofPlatform()
                        .daemon()
                        .name("test-caller")
                        .start(
                                () -> {
                                    WatchedCall call =
                                            watchdog.begin("test pool", () -> "the first call");
                                    await(first);
                                    call.close();
                                    await(released); // which is no call
                                });
        awaitStalls(1);
        assertEquals("the first call", watchdog.stalls().getFirst().what());
        first.countDown();
        awaitStalls(0);
        assertTrue(caller.isAlive());
        assertEquals(2, lines.with("the first call").size() + lines.with("test pool").size());
    }

    @Test
    void shouldForgetAThreadThatEndsInATurn() throws Exception {
        TurnCounter turns = new TurnCounter();
        Thread loop =
                Thread.ofPlatform()
                        .daemon()
                        .name("test-ends")
                        .start(
                                () -> {
                                    turns.onTurn();
                                    await(released);
                                });
        watchdog.watch(loop, turns, "its last turn");
        awaitStalls(1);
        released.countDown();
        awaitStalls(0);
    }

    @Test
    void shouldNotTakeAThreadThatGoesRoundForStuck() throws Exception {
        TurnCounter turns = new TurnCounter();
        TurnCounter stuckTurns = new TurnCounter();
        Thread round =
                Thread.ofPlatform()
                        .daemon()
                        .name("test-round")
                        .start(
                                () -> {
                                    while (released.getCount() > 0) {
                                        turns.onTurn();
                                        pause();
                                    }
                                });
        Thread stuck =
                Thread.ofPlatform()
                        .daemon()
                        .name("test-stuck")
                        .start(
                                () -> {
                                    stuckTurns.onTurn();
                                    await(released);
                                });
        watchdog.watch(round, turns, "a short turn");
        watchdog.watch(stuck, stuckTurns, "a long turn");
        awaitStalls(1); // the watchdog has looked for long enough to find either
        assertEquals(
                List.of("test-stuck"),
                watchdog.stalls().stream().map(StallReport::thread).toList());
        assertEquals(List.of(), lines.with("test-round"));
    }

    private void awaitStalls(int count) throws InterruptedException {
        while (watchdog.stalls().size() != count) {
            Thread.sleep(5);
        }
    }

    private static void pause() {
        try {
            Thread.sleep(1);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
