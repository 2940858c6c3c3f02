package org.rbdwrapper.broker.messenger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.store.ImageTimes;
import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.codec.IoOp;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

class TransferWindowTest {
    private static final int LARGE = LargeTransfers.MIN_LENGTH;
    private static final int SIZE = 1 << 20;
    private static final int USER = 1000;
    private static final int ROUNDS = Integer.getInteger("rbdw.window.rounds", 200);
    private static final int THREADED_REQUESTS = Integer.getInteger("rbdw.window.requests", 20_000);

    private final Random random = new Random(Long.getLong("rbdw.window.seed", 1));
    private final LogicalEnds ends = new LogicalEnds(EndTable.inHeap());

    private static long bytesUnderWay(ArrayImage image) {
        return image.requests().stream()
                .filter(one -> one.op() == IoOp.READ || one.op() == IoOp.WRITE)
                .mapToLong(ArrayImage.Request::length)
                .sum();
    }

    @Test
    void shouldTakeNoMoreThanTheArenaHoweverOftenItsBytesAreNamed() {
        try (RingClient client = new RingClient()) {
            ArrayImage image = new ArrayImage(new byte[SIZE], false);
            OpenHandle handle = client.open(image, ends);
            int arena = client.arenaLength();
            List<Integer> tags = new ArrayList<>();
            for (int i = 0; i < RingClient.DEPTH; i++) {
                tags.add(client.request(handle, IoOp.WRITE, (long) i * arena / 2, arena / 2));
            }
            assertEquals(2, client.drain());
            assertFalse(client.hasNext(), "it is looked at though there is no room");
            for (int i = 0; i < RingClient.DEPTH; i++) {
                assertEquals((long) i * arena / 2, image.requests().getFirst().position());
                int wakes = client.wakes();
                image.finishFirst();
                assertEquals(
                        i < RingClient.DEPTH - 2 ? wakes + 1 : wakes,
                        client.wakes(),
                        "wakes of who has nothing to do, or none");
                client.drain();
                assertTrue(bytesUnderWay(image) <= arena);
                assertEquals(arena / 2, client.await(tags.get(i)));
            }
            assertEquals(0, handle.inFlight());
        }
    }

    @Test
    void shouldAnswerEachInItsOrderAndKeepTheBoundWhateverComes() {
        for (int round = 0; round < ROUNDS; round++) {
            FlowControl flows = new FlowControl(3L * LARGE, 2L * LARGE, 0, Runnable::run);
            ArrayImage image = new ArrayImage(new byte[SIZE], false);
            try (RingClient one = new RingClient(flows, USER, 4 * LARGE);
                    RingClient other = new RingClient(flows, USER + round % 2, 4 * LARGE)) {
                List<Run> runs = List.of(new Run(one, image), new Run(other, image));
                for (int step = 0; step < 200; step++) {
                    Run run = runs.get(random.nextInt(2));
                    switch (random.nextInt(4)) {
                        case 0 -> run.request();
                        case 1 -> run.client.drain();
                        case 2 -> {
                            if (image.waiting() > 0) {
                                image.finishAny(random);
                            }
                        }
                        default -> run.readAnswers();
                    }
                    assertTrue(bytesUnderWay(image) <= 2L * one.arenaLength());
                    // each channel may have one that finds no room
                    assertTrue(flows.bytes() <= 3L * LARGE + 2L * one.arenaLength());
                }
                while (runs.stream().anyMatch(run -> !run.tags.isEmpty())) {
                    int before = runs.stream().mapToInt(run -> run.tags.size()).sum();
                    boolean waited = image.waiting() > 0;
                    if (waited) {
                        image.finishAny(random);
                    }
                    for (Run run : runs) {
                        if (run.client.hasNext()) {
                            run.client.drain();
                        }
                        run.readAnswers();
                    }
                    int now = runs.stream().mapToInt(run -> run.tags.size()).sum();
                    assertTrue(waited || now < before || image.waiting() > 0, "stalled for ever");
                }
                assertEquals(0, flows.bytes());
            }
        }
    }

    @Test
    void shouldLetAUsersChannelHaveOneTransferWhateverHisOthersHave() {
        FlowControl flows = new FlowControl(16L * LARGE, 2L * LARGE, 0, Runnable::run);
        ArrayImage image = new ArrayImage(new byte[SIZE], false);
        try (RingClient full = new RingClient(flows, USER, 4 * LARGE);
                RingClient same = new RingClient(flows, USER, 4 * LARGE);
                RingClient another = new RingClient(flows, USER + 1, 4 * LARGE);
                RingClient root = new RingClient(flows, 0, 4 * LARGE)) {
            for (RingClient client : List.of(full, same, another, root)) {
                OpenHandle handle = client.open(image, ends);
                for (int i = 0; i < 4; i++) {
                    client.request(handle, IoOp.READ, 0, LARGE);
                }
            }
            assertEquals(2, full.drain());
            assertEquals(1, same.drain());
            assertEquals(2, another.drain());
            assertEquals(4, root.drain());
            assertEquals(9L * LARGE, flows.bytes());
            image.finishFirst();
            assertTrue(full.hasNext(), "one of its own has ended, and it does not look");
            assertFalse(same.hasNext(), "not in its turn");
            assertEquals(0, full.drain(), "more than the user may have");
            image.finishFirst();
            assertTrue(same.hasNext(), "his other channel was not opened in its turn");
            assertEquals(1, same.drain());
            assertEquals(1, full.drain(), "it has none under way, and is not let one");
            while (image.waiting() > 0) {
                image.finishFirst();
                List.of(full, same, another, root).forEach(RingClient::drain);
            }
            assertEquals(0, flows.bytes());
        }
    }

    @Test
    void shouldOpenTheNextWhereOneThatWasOpenedIsGone() {
        FlowControl flows = new FlowControl(16L * LARGE, 3L * LARGE, 0, Runnable::run);
        ArrayImage image = new ArrayImage(new byte[SIZE], false);
        ArrayImage stuck = new ArrayImage(new byte[SIZE], false);
        try (RingClient holding = new RingClient(flows, USER, 4 * LARGE);
                RingClient gone = new RingClient(flows, USER, 4 * LARGE);
                RingClient next = new RingClient(flows, USER, 4 * LARGE)) {
            OpenHandle handle = holding.open(image, ends);
            holding.request(handle, IoOp.READ, 0, 2 * LARGE);
            holding.drain();
            for (RingClient client : List.of(gone, next)) {
                OpenHandle of = client.open(stuck, ends);
                client.request(of, IoOp.READ, 0, LARGE);
                client.request(of, IoOp.READ, 0, LARGE);
                assertEquals(1, client.drain());
            }
            image.finishFirst();
            assertEquals(List.of(1, 0), List.of(gone.wakes(), next.wakes()));
            gone.stop();
            assertEquals(1, next.wakes());
            assertEquals(1, next.drain());
        }
    }

    @Test
    void shouldRefuseWhatWaitsWhenItsImageIsTaken() {
        try (RingClient client = new RingClient()) {
            ArrayImage image = new ArrayImage(new byte[SIZE], false);
            OpenHandle handle = client.open(image, ends);
            int first = client.request(handle, IoOp.READ, 0, client.arenaLength());
            int waiting = client.request(handle, IoOp.READ, 0, client.arenaLength());
            assertEquals(1, client.drain());
            assertEquals(1, handle.inFlight(), "what waits counts as made");
            boolean[] drained = new boolean[1];
            client.revoke(handle, () -> drained[0] = true);
            image.finishFirst();
            assertTrue(drained[0]);
            assertEquals(1, client.drain());
            assertEquals(client.arenaLength(), client.await(first));
            assertEquals(-Errno.ESHUTDOWN.number(), client.await(waiting));
        }
    }

    /** The store's threads end requests while the messenger finds that there is no room. */
    @Test
    void shouldLoseNoWakeWhereRequestsEndMeanwhile() throws Exception {
        FlowControl flows = new FlowControl(16L * LARGE, 3L * LARGE, 0, Runnable::run);
        AtomicBoolean stop = new AtomicBoolean();
        Semaphore work = new Semaphore(0);
        try (RingClient one = new RingClient(flows, USER, 2 * LARGE);
                RingClient other = new RingClient(flows, USER, 2 * LARGE);
                AnsweringImage image = new AnsweringImage();
                ExecutorService pool = Executors.newFixedThreadPool(3)) {
            List<RingClient> clients = List.of(one, other);
            clients.forEach(client -> client.wakeBy(work::release));
            Future<?> messenger =
                    pool.submit(
                            () -> {
                                while (!stop.get()) {
                                    work.acquire();
                                    work.drainPermits();
                                    for (RingClient client : clients) {
                                        while (client.hasNext() && client.drain() > 0) {
                                            Thread.onSpinWait();
                                        }
                                    }
                                }
                                return null;
                            });
            List<Future<?>> programs = new ArrayList<>();
            for (RingClient client : clients) {
                OpenHandle handle = client.open(image, ends);
                programs.add(
                        pool.submit(
                                () -> {
                                    ArrayDeque<Integer> tags = new ArrayDeque<>();
                                    for (int i = 0; i < THREADED_REQUESTS; i++) {
                                        if (tags.size() == RingClient.DEPTH) {
                                            assertEquals(LARGE, client.await(tags.poll()));
                                        }
                                        tags.add(client.request(handle, IoOp.READ, 0, LARGE));
                                        work.release();
                                    }
                                    for (int tag : tags) {
                                        assertEquals(LARGE, client.await(tag));
                                    }
                                }));
            }
            for (Future<?> program : programs) {
                program.get();
            }
            stop.set(true);
            work.release();
            messenger.get();
            assertEquals(0, flows.bytes());
            assertTrue(image.mostBytes.get() <= 4L * LARGE, "more than the arenas under way");
        }
    }

    /** A channel's requests and what has become of them. */
    private final class Run {
        final RingClient client;
        final Queue<Integer> tags = new ArrayDeque<>();
        private final OpenHandle handle;

        Run(RingClient client, ArrayImage image) {
            this.client = client;
            handle = client.open(image, ends);
        }

        void request() {
            if (tags.size() < RingClient.DEPTH) {
                int length = 1 + random.nextInt(client.arenaLength());
                switch (random.nextInt(6)) {
                    case 0 -> tags.add(client.request(handle, IoOp.FLUSH, 0, 0));
                    case 1 -> tags.add(client.request(handle, IoOp.READ, 0, 4096));
                    case 2 -> tags.add(client.request(handle, IoOp.DISCARD, 0, 100));
                    case 3 -> tags.add(client.request(handle, IoOp.WRITE, 0, length));
                    default -> tags.add(client.request(handle, IoOp.READ, 0, length));
                }
            }
        }

        void readAnswers() {
            tags.removeIf(
                    tag -> {
                        boolean answered = client.isAnswered(tag);
                        if (answered) {
                            assertTrue(client.takeAnswer(tag) >= 0);
                        }
                        return answered;
                    });
        }
    }

    /** Whose requests end at once, on threads of its own. */
    private static final class AnsweringImage implements StoreImage {
        final AtomicLong mostBytes = new AtomicLong();
        private final AtomicLong bytes = new AtomicLong();
        private final ExecutorService threads = Executors.newFixedThreadPool(2);

        @Override
        public void submit(
                IoOp op, long address, long position, long length, IoCompletion completion) {
            long now = bytes.addAndGet(length);
            mostBytes.accumulateAndGet(now, Math::max);
            threads.execute(
                    () -> {
                        bytes.addAndGet(-length);
                        completion.onComplete(length);
                    });
        }

        @Override
        public long size() {
            return SIZE;
        }

        @Override
        public int objectSize() {
            return SIZE;
        }

        @Override
        public String imageId() {
            return "answering";
        }

        @Override
        public ImageTimes times() {
            return new ImageTimes(0, 0, 0, 0);
        }

        @Override
        public void close() {
            threads.close();
        }
    }
}
