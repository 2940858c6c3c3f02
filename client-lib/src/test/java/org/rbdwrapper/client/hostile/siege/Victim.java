package org.rbdwrapper.client.hostile.siege;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A program as many are: it reads its image at random, 4 KiB after 4 KiB; opens, looks at and
 * closes images every 10 ms; stats a path every 10 ms; writes and flushes every 5 ms. Checks what
 * it reads.
 *
 * <p>Arguments: run directory, the path of its image, of one more of its own, and of one that it
 * reads with others. Then, a line of its input each: {@code measure MILLIS}; {@code verify}, after
 * which it ends.
 */
public final class Victim {
    static final long SIZE = 64L << 20;
    private static final int BLOCK = 4096;
    private static final long LOG_START = SIZE - (4 << 20);
    private static final long BLOCKS = LOG_START / BLOCK;
    private static final int CONTROL_MILLIS = 10;
    private static final int FLUSH_MILLIS = 5;
    private static final long MIX = 0x9E3779B97F4A7C15L;

    private final Path runDir;
    private final RbdFile file;
    private final String more;
    private final String common;
    private final Latencies reads = new Latencies(0);
    private final Latencies opens = new Latencies(CONTROL_MILLIS * 1_000_000L);
    private final Latencies stats = new Latencies(CONTROL_MILLIS * 1_000_000L);
    private final Latencies flushes = new Latencies(FLUSH_MILLIS * 1_000_000L);
    private final AtomicLong flushed = new AtomicLong();
    private volatile boolean ending;

    private Victim(String... args) throws IOException {
        runDir = Path.of(args[0]);
        file = RbdFile.openAt(runDir, args[1], StandardOpenOption.READ, StandardOpenOption.WRITE);
        more = args[2];
        common = args[3];
    }

    public static void main(String[] args) throws Exception {
        Victim victim = new Victim(args);
        victim.fill();
        victim.begin("read", victim::readAlways);
        victim.begin("open", victim::openAlways);
        victim.begin("stat", victim::statAlways);
        Thread flusher = victim.begin("flush", victim::flushAlways);
        System.out.println("ready");
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, US_ASCII));
        String order;
        while ((order = orders.readLine()) != null) {
            if (order.equals("verify")) {
                victim.ending = true;
                flusher.join();
                victim.verify();
                System.out.println("verified");
                break;
            }
            victim.measure(Long.parseLong(order.split(" ")[1]));
        }
        Runtime.getRuntime().halt(0);
    }

    /** One kind of call, again and again; what fails ends the program, which must not be. */
    @FunctionalInterface
    private interface Body {
        void run() throws Exception;
    }

    private Thread begin(String name, Body body) {
        return Thread.ofPlatform()
                .name(name)
                .start(
                        () -> {
                            try {
                                body.run();
                            } catch (Exception e) {
                                System.out.println("failed to " + name + ": " + e);
                                Runtime.getRuntime().halt(1);
                            }
                        });
    }

    private void measure(long millis) throws InterruptedException {
        reads.reset();
        opens.reset();
        stats.reset();
        flushes.reset();
        long start = System.nanoTime();
        Thread.sleep(millis);
        long nanos = System.nanoTime() - start;
        System.out.println(
                new Measurement(nanos, reads.look(), opens.look(), stats.look(), flushes.look())
                        .toLine());
    }

    private void readAlways() throws IOException {
        SplittableRandom random = new SplittableRandom();
        ByteBuffer buffer = ByteBuffer.allocateDirect(BLOCK);
        while (true) {
            long block = random.nextLong(BLOCKS);
            buffer.clear();
            reads.begin();
            int n = file.read(buffer, block * BLOCK);
            reads.end();
            check(buffer, n, block, mark(block));
        }
    }

    private void openAlways() throws Exception {
        while (true) {
            for (String path : new String[] {more, common}) {
                opens.begin();
                try (RbdFile opened = RbdFile.openAt(runDir, path, StandardOpenOption.READ)) {
                    if (opened.size() <= 0) {
                        throw new IOException(path + " has no size");
                    }
                }
                opens.end();
                Thread.sleep(CONTROL_MILLIS);
            }
        }
    }

    private void statAlways() throws Exception {
        byte[] frame = RawLine.statFrame(more);
        try (RawLine line = new RawLine(runDir).hello(0, 0, 0)) {
            while (true) {
                stats.begin();
                line.send(frame);
                line.receive();
                stats.end();
                Thread.sleep(CONTROL_MILLIS);
            }
        } catch (ErrnoException e) {
            throw new IOException(e.describe(), e);
        }
    }

    /** Each block of the log is written in its turn. */
    private void flushAlways() throws Exception {
        ByteBuffer buffer = ByteBuffer.allocateDirect(BLOCK);
        while (!ending) {
            long number = flushed.get() + 1;
            stamp(buffer, number);
            flushes.begin();
            file.write(buffer, logPosition(number));
            file.force();
            flushes.end();
            flushed.set(number);
            Thread.sleep(FLUSH_MILLIS);
        }
    }

    private void fill() throws IOException {
        int blocks = 256;
        ByteBuffer many = ByteBuffer.allocateDirect(blocks * BLOCK);
        for (long block = 0; block < BLOCKS; block += blocks) {
            many.clear();
            for (int i = 0; i < blocks; i++) {
                stamp(many.slice(i * BLOCK, BLOCK), mark(block + i));
            }
            file.write(many, block * BLOCK);
        }
        file.force();
    }

    private void verify() throws IOException {
        ByteBuffer buffer = ByteBuffer.allocateDirect(BLOCK);
        for (long block = 0; block < BLOCKS; block++) {
            buffer.clear();
            check(buffer, file.read(buffer, block * BLOCK), block, mark(block));
        }
        long last = flushed.get();
        long laps = (SIZE - LOG_START) / BLOCK;
        for (long number = Math.max(1, last - laps + 1); number <= last; number++) {
            buffer.clear();
            check(buffer, file.read(buffer, logPosition(number)), number, number);
        }
    }

    private static long logPosition(long number) {
        return LOG_START + number * BLOCK % (SIZE - LOG_START);
    }

    private static long mark(long block) {
        return ~block * MIX;
    }

    private static void stamp(ByteBuffer buffer, long mark) {
        buffer.clear();
        for (int i = 0; i < BLOCK; i += Long.BYTES) {
            buffer.putLong(i, mark + i);
        }
    }

    private static void check(ByteBuffer buffer, int n, long block, long mark) throws IOException {
        if (n != BLOCK) {
            throw new IOException("block " + block + ": " + n + " bytes");
        }
        for (int i = 0; i < BLOCK; i += 512) {
            if (buffer.getLong(i) != mark + i) {
                throw new IOException("block " + block + " has other bytes at " + i);
            }
        }
    }
}
