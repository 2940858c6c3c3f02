package org.rbdwrapper.ipc.segment;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.ipc.posix.SharedMemory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

@Timeout(60)
final class ClientWakerTest {
    private static final int WAITERS = 60;
    private static final int MOST_AT_ONCE = 16;
    private static final long FOR_EVER = 0;

    @Test
    void shouldNotWakeAsManyAsAClientHasSleepThere() throws Exception {
        long address = SharedMemory.mapAnonymous(4096);
        UnsafeBuffer channel = new UnsafeBuffer(address, 4096);
        ClientWaker waker = new ClientWaker(channel);
        AtomicInteger woken = new AtomicInteger();
        List<Thread> waiters = new ArrayList<>();
        waker.announceWaiting();
        for (int i = 0; i < WAITERS; i++) {
            waiters.add(
                    Thread.ofPlatform()
                            .name("sleeper-" + i)
                            .start(
                                    () -> {
                                        waker.await(FOR_EVER);
                                        woken.incrementAndGet();
                                    }));
        }
        while (sleeping() < WAITERS) {
            Thread.sleep(20); // the test's time limit ends a wait in vain
        }
        int before = 0;
        while (before < WAITERS) {
            waker.wakeIfWaiting();
            while (woken.get() == before) {
                Thread.sleep(1);
            }
            Thread.sleep(50); // for those that it should not have woken
            int now = woken.get();
            assertTrue(now - before <= MOST_AT_ONCE, now - before + " at once");
            before = now;
            waker.announceWaiting();
        }
        for (Thread waiter : waiters) {
            waiter.join();
        }
        SharedMemory.unmap(address, 4096);
    }

    private static int sleeping() throws IOException {
        int sleeping = 0;
        try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
            for (Path task : tasks.toList()) {
                try {
                    String stat = Files.readString(task.resolve("stat"));
                    sleeping += stat.matches("\\d+ \\(sleeper-\\d+\\) S .*\\s*") ? 1 : 0;
                } catch (NoSuchFileException e) {
                    // it has ended
                }
            }
        }
        return sleeping;
    }
}
