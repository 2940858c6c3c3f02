package org.rbdwrapper.broker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.broker.watch.Watchdog;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

@Timeout(120)
final class WorkersTest {
    private static final int MORE = 40;
    private static final int ALICE = 1000;
    private static final int BOB = 1001;
    private static final Lane SICK = Lane.ofPool("sick");
    private static final Lane WELL = Lane.ofPool("well");

    private final BlockingQueue<Runnable> conductor = new LinkedBlockingQueue<>();
    private final Workers workers = new Workers(conductor::add, new Watchdog());
    private final Set<String> threads = ConcurrentHashMap.newKeySet();
    private final CountDownLatch goOn = new CountDownLatch(1);
    private final AtomicInteger begun = new AtomicInteger();

    @AfterEach
    void letAllGo() {
        goOn.countDown();
    }

    @Test
    void shouldUseAnIdleThreadBeforeItMakesAnother() throws Exception {
        for (int i = 0; i < MORE; i++) {
            workers.call(
                    of(WELL, ALICE),
                    () -> threads.add(Thread.currentThread().getName()),
                    done -> {},
                    failure -> {});
            conductor.take().run();
            Thread.sleep(5); // until it waits for its next call
        }
        assertTrue(threads.size() <= 2, threads.toString());
    }

    @Test
    void shouldEndThreadsThatHaveNoWorkForLong() throws Exception {
        Workers impatient = new Workers(conductor::add, new Watchdog(), Runnable::run, 20);
        BlockingQueue<Thread> worker = new LinkedBlockingQueue<>();
        for (int i = 0; i < 2; i++) { // and makes others when there is work again
            impatient.call(
                    of(WELL, ALICE),
                    () -> worker.add(Thread.currentThread()),
                    done -> {},
                    failure -> {});
            assertTrue(worker.take().join(Duration.ofSeconds(30)));
        }
        assertTrue(impatient.close());
    }

    @Test
    void shouldMakeOneCallOfAUserAfterTheOtherWhereTheLaneHasIt() throws Exception {
        List<Integer> alices = Collections.synchronizedList(new ArrayList<>());
        List<Integer> bobs = Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < MORE; i++) {
            int number = i;
            workers.call(
                    of(Lane.NOTES, ALICE), () -> alices.add(number), done -> {}, failure -> {});
            workers.call(of(Lane.NOTES, BOB), () -> bobs.add(number), done -> {}, failure -> {});
        }
        assertTrue(workers.close());
        List<Integer> all = IntStream.range(0, MORE).boxed().toList();
        assertEquals(all, alices);
        assertEquals(all, bobs);
    }

    @Test
    void shouldMakeCallsSideBySideAndQueueTheRest() throws Exception {
        hold(SICK, ALICE, MORE);
        awaitBegun(SICK.threadsPerUser());
        assertEquals(0, conductor.size());
        goOn.countDown();
        for (int i = 0; i < MORE; i++) {
            conductor.take().run();
        }
        assertEquals(MORE, begun.get());
        assertTrue(workers.close());
    }

    @Test
    void shouldKeepThreadsOfALaneForOtherUsers() throws Exception {
        hold(SICK, ALICE, MORE);
        awaitBegun(SICK.threadsPerUser());
        assertEquals("done", resultOf(of(SICK, BOB)));
    }

    @Test
    void shouldTakeUsersInTurnHoweverManyCallsOneOfThemHas() throws Exception {
        Lane narrow = new Lane("narrow", 1, 1, true, 1000);
        List<Integer> order = Collections.synchronizedList(new ArrayList<>());
        hold(narrow, ALICE, 1);
        awaitBegun(1);
        for (int i = 0; i < MORE; i++) {
            workers.call(of(narrow, ALICE), () -> order.add(ALICE), done -> {}, failure -> {});
        }
        workers.call(of(narrow, BOB), () -> order.add(BOB), done -> {}, failure -> {});
        goOn.countDown();
        assertTrue(workers.close());
        assertTrue(order.indexOf(BOB) <= 1, order.toString());
        assertEquals(MORE + 1, order.size());
    }

    @Test
    void shouldNotLetALaneThatHangsKeepAnotherWaiting() throws Exception {
        for (int user = 0; user < MORE; user++) {
            hold(SICK, user, MORE);
        }
        awaitBegun(SICK.threads());
        assertEquals("done", resultOf(of(WELL, ALICE)));
        assertEquals("done", resultOf(of(Lane.closing("sick", false), ALICE)));
        assertEquals(SICK.threads(), begun.get());
    }

    @Test
    void shouldNotMakeACallThatNobodyWantsAnyMore() throws Exception {
        AtomicBoolean wanted = new AtomicBoolean(true);
        AtomicBoolean made = new AtomicBoolean();
        ErrnoException[] failed = {null};
        Lane narrow = new Lane("narrow", 1, 1, true, 1000);
        hold(narrow, ALICE, 1);
        workers.call(
                new CallOrigin(narrow, ALICE, "a call", wanted::get),
                () -> made.getAndSet(true),
                done -> {},
                failure -> failed[0] = failure);
        wanted.set(false);
        goOn.countDown();
        for (int i = 0; i < 2; i++) {
            conductor.take().run();
        }
        assertFalse(made.get());
        assertEquals(Errno.ESHUTDOWN, failed[0].errno());
    }

    @Test
    void shouldTellOfAFailureOfWhatFollows() throws Exception {
        ErrnoException[] failed = {null};
        ErrnoException thrown = new ErrnoException(Errno.EBUSY, "taken");
        workers.call(
                of(WELL, ALICE),
                () -> "done",
                done -> {
                    throw thrown;
                },
                failure -> failed[0] = failure);
        conductor.take().run();
        assertEquals(thrown, failed[0]);
    }

    @Test
    void shouldWaitAtTheEndForACallThatEnds() throws Exception {
        hold(WELL, ALICE, 1);
        awaitBegun(1);
        Thread later =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    sleep(300);
                                    goOn.countDown();
                                });
        assertTrue(workers.close());
        later.join();
    }

    @Test
    void shouldNotWaitAtTheEndForACallThatDoesNotEnd() throws Exception {
        Lane impatient = new Lane("impatient", 1, 1, true, 50);
        hold(impatient, ALICE, MORE);
        awaitBegun(1);
        assertFalse(workers.close());
    }

    @Test
    void shouldSayHowManyCallsTheBusiestPoolHas() throws Exception {
        assertEquals(0, workers.callsOfBusiestPool());
        hold(Lane.MEMORY, ALICE, 1);
        hold(Lane.closing("sick", false), ALICE, 2);
        awaitBegun(3);
        assertEquals(0, workers.callsOfBusiestPool());
        hold(Lane.ofPool("sick"), ALICE, MORE);
        hold(Lane.ofPool("well"), ALICE, 1);
        int most = Math.min(MORE, Lane.STORE_THREADS_PER_USER);
        awaitBegun(3 + most + 1);
        assertEquals(most, workers.callsOfBusiestPool());
    }

    private static CallOrigin of(Lane lane, int uid) {
        return new CallOrigin(lane, uid, "a call");
    }

    /** Calls that end when all may go on. */
    private void hold(Lane lane, int uid, int calls) {
        for (int i = 0; i < calls; i++) {
            workers.call(
                    of(lane, uid),
                    () -> {
                        begun.incrementAndGet();
                        goOn.await();
                        return "held";
                    },
                    done -> {},
                    failure -> {});
        }
    }

    private void awaitBegun(int calls) throws InterruptedException {
        while (begun.get() < calls) {
            Thread.sleep(1); // the test's time limit ends a wait in vain
        }
        Thread.sleep(50);
        assertEquals(calls, begun.get(), "more were begun than may be");
    }

    private Object resultOf(CallOrigin origin) throws Exception {
        Object[] result = {null};
        ErrnoException[] failed = {null};
        workers.call(origin, () -> "done", done -> result[0] = done, f -> failed[0] = f);
        Runnable task = conductor.poll(30, TimeUnit.SECONDS);
        assertNotNull(task);
        task.run();
        assertNull(failed[0]);
        return result[0];
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
