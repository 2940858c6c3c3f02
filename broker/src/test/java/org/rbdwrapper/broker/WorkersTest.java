package org.rbdwrapper.broker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

final class WorkersTest {
    private static final int LIMIT = 16;
    private static final int MORE = 40;

    private final BlockingQueue<Runnable> conductor = new LinkedBlockingQueue<>();
    private final Workers workers = new Workers(conductor::add);
    private final Set<String> threads = ConcurrentHashMap.newKeySet();

    @Test
    void shouldUseAnIdleThreadBeforeItMakesAnother() throws Exception {
        for (int i = 0; i < MORE; i++) {
            callAndAwait();
            Thread.sleep(5); // until it waits for its next call
        }
        assertTrue(threads.size() <= 2, threads.toString());
    }

    @Test
    void shouldEndThreadsThatHaveNoWorkForLong() throws Exception {
        Workers impatient = new Workers(conductor::add, 20);
        BlockingQueue<Thread> worker = new LinkedBlockingQueue<>();
        for (int i = 0; i < 2; i++) { // and makes others when there is work again
            impatient.call(() -> worker.add(Thread.currentThread()), done -> {}, failure -> {});
            assertTrue(worker.take().join(Duration.ofSeconds(30)));
        }
        assertTrue(impatient.close(30_000));
    }

    @Test
    void shouldMakeOneCallAfterTheOtherWhereAskedTo() throws Exception {
        Workers one = Workers.inOrder(conductor::add, "one-");
        List<Integer> made = new ArrayList<>(); // by one thread at a time
        for (int i = 0; i < MORE; i++) {
            int number = i;
            one.call(() -> made.add(number), done -> {}, failure -> {});
        }
        assertTrue(one.close(30_000));
        assertEquals(IntStream.range(0, MORE).boxed().toList(), made);
    }

    @Test
    void shouldMakeCallsSideBySideAndQueueTheRest() throws Exception {
        CountDownLatch allThere = new CountDownLatch(LIMIT);
        CountDownLatch goOn = new CountDownLatch(1);
        for (int i = 0; i < MORE; i++) {
            workers.call(
                    () -> {
                        threads.add(Thread.currentThread().getName());
                        allThere.countDown();
                        goOn.await();
                        return "done";
                    },
                    done -> {},
                    failure -> {});
        }
        assertTrue(allThere.await(30, TimeUnit.SECONDS));
        assertTrue(conductor.isEmpty());
        goOn.countDown();
        for (int i = 0; i < MORE; i++) {
            conductor.take().run();
        }
        assertEquals(LIMIT, threads.size());
        assertTrue(workers.close(30_000));
    }

    private void callAndAwait() throws InterruptedException {
        workers.call(
                () -> threads.add(Thread.currentThread().getName()), done -> {}, failure -> {});
        conductor.take().run();
    }
}
