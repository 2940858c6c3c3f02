package org.rbdwrapper.broker.messenger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.rbdwrapper.broker.store.memory.MemoryStore;
import org.rbdwrapper.ipc.ErrnoException;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/** A messenger's thread, beside clients that come and go, rest, ring and do nothing. */
@Execution(ExecutionMode.SAME_THREAD)
@Timeout(120)
final class MessengerTest {
    private static final long LIMIT_NANOS = 20_000_000_000L;
    private static final int CHANNELS = 64;

    private final List<SegmentClient> attached = new ArrayList<>();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private MessengerPool pool;
    private Messenger messenger;

    @BeforeEach
    void start() throws ErrnoException {
        pool = new MessengerPool(new MemoryStore(), MessengerPolicy.parse("shared:1"), 1);
        messenger = pool.assign();
    }

    @AfterEach
    void end() throws Exception {
        for (SegmentClient client : attached) {
            detach(client);
        }
        pool.close();
        assertNull(failure.get(), () -> "" + failure.get());
    }

    @Test
    void shouldLookAtChannelsThatHaveRequestsHoweverManyAreConnected() throws Exception {
        SegmentClient busy = attach(4);
        for (int i = 0; i < 24; i++) {
            attach(CHANNELS);
        }
        double alone = channelsPerTurn(busy, 2000);
        assertTrue(alone <= 4, alone + " channels a turn");
        // all have had requests, once
        for (SegmentClient client : attached) {
            request(client, client == busy ? 0 : CHANNELS - 1);
        }
        rest(busy);
        double later = channelsPerTurn(busy, 2000);
        assertTrue(later <= 5, later + " channels a turn");
    }

    @Test
    void shouldLookAtFewOfManyChannelsOfOneSession() throws Exception {
        SegmentClient client = attach(CHANNELS);
        double looked = channelsPerTurn(client, 4000);
        // what is looked at before the messenger sleeps is no turn's
        assertTrue(looked <= 2 + ChannelScan.OTHERS_A_TURN, looked + " channels a turn");
        for (int channel = 0; channel < CHANNELS; channel++) {
            request(client, channel);
        }
    }

    @Test
    void shouldAnswerFirstRequestsAfterRestsBesideBusyClient() throws Exception {
        int resting = 6;
        int requests = 1500;
        SegmentClient busy = attach(4);
        AtomicBoolean stop = new AtomicBoolean();
        Thread flood = work(() -> requestUntil(busy, stop));
        CountDownLatch done = new CountDownLatch(resting);
        int[] rung = new int[resting];
        for (int i = 0; i < resting; i++) {
            int index = i;
            SegmentClient client = attach(1 + i * 3);
            work(
                    () -> {
                        SplittableRandom random = new SplittableRandom(index);
                        for (int n = 0; n < requests; n++) {
                            // about as long as sessions have to be idle before they rest
                            long pause = random.nextLong(3 * ActiveSessions.REST_NANOS);
                            LockSupport.parkNanos(random.nextInt(4) == 0 ? 0 : pause);
                            int channel = random.nextInt(1 + index * 3);
                            rung[index] += request(client, channel) ? 1 : 0;
                        }
                        done.countDown();
                    });
        }
        while (done.getCount() > 0 && failure.get() == null) {
            Thread.sleep(10);
        }
        stop.set(true);
        flood.join();
        for (int count : rung) {
            assertTrue(count > 0, "never at rest");
            assertTrue(count < requests, "never active");
        }
    }

    @Test
    void shouldServeOthersWhileManyRingForNothingAndSleepWhenTheyEnd() throws Exception {
        SegmentClient victim = attach(4);
        for (int i = 0; i < 100; i++) {
            attach(8);
        }
        AtomicBoolean stop = new AtomicBoolean();
        Thread storm =
                work(
                        () -> {
                            SplittableRandom random = new SplittableRandom(1);
                            while (!stop.get()) {
                                for (SegmentClient client : attached) {
                                    if (client != victim) {
                                        client.ring();
                                        client.swap(client.parkedWord());
                                        client.scribble(random.nextInt());
                                    }
                                }
                            }
                        });
        double looked = channelsPerTurn(victim, 5000);
        assertTrue(looked <= 4, looked + " channels a turn");
        for (int i = 0; i < 20; i++) {
            Thread.sleep(3); // at rest, but for the storm
            request(victim, i % 4);
        }
        stop.set(true);
        storm.join();
        assertSleeps();
    }

    @Test
    void shouldSleepForEverWhenAllAreAtRest() throws Exception {
        for (int i = 0; i < 16; i++) {
            request(attach(8), i % 8);
        }
        assertSleeps();
        for (SegmentClient client : attached) {
            request(client, 7);
        }
    }

    @Test
    void shouldComeBackToSessionAtRestThatHasRequestsLeft() throws Exception {
        SegmentClient client = attach(2);
        request(client, 0);
        assertSleeps();
        client.publish(1); // and does not ring, as it has done so before
        Thread.sleep(20);
        assertFalse(client.takeAnswer(1));
        messenger.lookAt(client.session());
        awaitAnswer(client, 1);
    }

    @Test
    void shouldAttachAndDetachBesideWork() throws Exception {
        SegmentClient busy = attach(4);
        AtomicBoolean stop = new AtomicBoolean();
        Thread flood = work(() -> requestUntil(busy, stop));
        for (int i = 0; i < 300; i++) {
            SegmentClient client = attach(1 + i % 10);
            for (int n = 0; n < i % 3; n++) {
                request(client, 0);
            }
            client.ring(); // on its way when it goes
            attached.remove(client);
            detach(client);
        }
        stop.set(true);
        flood.join();
        assertEquals(1, attached.size());
        request(busy, 0);
    }

    private SegmentClient attach(int channels) throws ErrnoException {
        SegmentClient client = new SegmentClient("client " + attached.size(), channels);
        attached.add(client);
        messenger.attach(client.session());
        return client;
    }

    private void detach(SegmentClient client) throws Exception {
        CountDownLatch gone = new CountDownLatch(1);
        messenger.detach(client.session(), gone::countDown);
        gone.await();
        client.close();
    }

    /** Of turns that take the client's requests. */
    private double channelsPerTurn(SegmentClient client, int requests) {
        request(client, 0);
        rest(client);
        long turns = messenger.counters().read().turns();
        long looked = messenger.counters().channelsLooked();
        for (int i = 0; i < requests; i++) {
            request(client, 0);
        }
        long looks = messenger.counters().channelsLooked() - looked;
        return (double) looks / (messenger.counters().read().turns() - turns);
    }

    /** All others: only turns bring them to rest. */
    private void rest(SegmentClient client) {
        long until = System.nanoTime() + 20 * ActiveSessions.REST_NANOS;
        for (int i = 0; i < 2000 || System.nanoTime() - until < 0; i++) {
            request(client, 0);
        }
    }

    /** Whether it had to ring. */
    private static boolean request(SegmentClient client, int channel) {
        boolean rung = client.publishAndRing(channel);
        awaitAnswer(client, channel);
        return rung;
    }

    private static void awaitAnswer(SegmentClient client, int channel) {
        long deadline = System.nanoTime() + LIMIT_NANOS;
        for (int i = 0; !client.takeAnswer(channel); i++) {
            if (i < 200) {
                Thread.onSpinWait();
            } else {
                LockSupport.parkNanos(1_000); // the other side may need this core
            }
            if (System.nanoTime() - deadline > 0) {
                throw new IllegalStateException("a request was not seen within 20 s");
            }
        }
    }

    private static void requestUntil(SegmentClient client, AtomicBoolean stop) {
        while (!stop.get()) {
            request(client, 0);
        }
    }

    private Thread work(Runnable task) {
        return Thread.ofPlatform()
                .start(
                        () -> {
                            try {
                                task.run();
                            } catch (Throwable t) {
                                failure.compareAndSet(null, t);
                            }
                        });
    }

    /** The thread's share of a core becomes small. */
    private void assertSleeps() throws InterruptedException {
        double share = 1;
        for (int i = 0; i < 50 && share > 0.005; i++) {
            long cpu = cpuNanos();
            long began = System.nanoTime();
            Thread.sleep(100);
            share = (double) (cpuNanos() - cpu) / (System.nanoTime() - began);
        }
        assertEquals(0, share, 0.005, "of a core");
    }

    private static long cpuNanos() {
        var threads = ManagementFactory.getThreadMXBean();
        long nanos = 0;
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().equals("messenger-0")) {
                nanos += threads.getThreadCpuTime(thread.threadId());
            }
        }
        return nanos;
    }
}
