package org.rbdwrapper.client.death;

import org.rbdwrapper.client.RbdFile;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A program whose virtual threads have one carrier: some ask for an image's size, open it, and open
 * it at the broker for the first time, and say so; one counts meanwhile and says what it has
 * counted for each line of the input.
 *
 * <p>Arguments: run directory, path.
 */
final class VirtualThreadsClient {
    private VirtualThreadsClient() {}

    @FunctionalInterface
    private interface Work {
        void run() throws IOException;
    }

    public static void main(String[] args) throws Exception {
        System.setProperty("jdk.virtualThreadScheduler.parallelism", "1");
        System.setProperty("jdk.virtualThreadScheduler.maxPoolSize", "1");
        Path runDir = Path.of(args[0]);
        String path = args[1];
        AtomicInteger count = new AtomicInteger();
        AtomicBoolean hasEnded = new AtomicBoolean();
        try (RbdFile file = RbdFile.openAt(runDir, path)) {
            Thread counting =
                    Thread.startVirtualThread(
                            () -> {
                                while (!hasEnded.get()) {
                                    count.incrementAndGet();
                                    LockSupport.parkNanos(1_000_000);
                                }
                            });
            System.out.println("open");
            System.in.read(); // it is frozen now
            List<Thread> threads = new ArrayList<>();
            threads.add(start(file::size));
            threads.add(start(() -> RbdFile.openAt(runDir, path).close()));
            threads.add(start(() -> RbdFile.openAt(runDir.resolve("."), path).close()));
            Thread.sleep(500);
            int before = count.get();
            Thread.sleep(500);
            System.out.println(count.get() == before ? "stopped" : "going on");
            for (Thread thread : threads) {
                thread.join(); // it is thawed meanwhile
            }
            hasEnded.set(true);
            counting.join();
            System.out.println("done");
        }
    }

    private static Thread start(Work work) {
        return Thread.startVirtualThread(
                () -> {
                    try {
                        work.run();
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
    }
}
