package org.rbdwrapper.client.history;

import org.rbdwrapper.client.RbdBuffer;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionException;

/**
 * A process whose threads read and write random blocks of an image that others read and write, too,
 * and record what they did and saw as {@link History} reads it.
 *
 * <p>Arguments: run directory, path, file of the history, number of this client (1 to 127), blocks,
 * bytes of a block, threads, file that ends it.
 */
public final class HistoryClient {
    /** All at once for a while, so that many are under way when the broker ends; then a rest. */
    private static final int BURST = 40;

    private static final int REST_MILLIS = 40;

    private final RbdFile image;
    private final OutputStream record;
    private final Path end;
    private final int client;
    private final int blocks;
    private final int blockLength;

    private HistoryClient(RbdFile image, OutputStream record, String[] arguments) {
        this.image = image;
        this.record = record;
        this.client = Integer.parseInt(arguments[3]);
        this.blocks = Integer.parseInt(arguments[4]);
        this.blockLength = Integer.parseInt(arguments[5]);
        this.end = Path.of(arguments[7]);
    }

    public static void main(String[] args) throws Exception {
        try (RbdFile image = RbdFile.openAt(Path.of(args[0]), args[1]);
                OutputStream record = new FileOutputStream(args[2], true)) {
            HistoryClient all = new HistoryClient(image, record, args);
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < Integer.parseInt(args[6]); i++) {
                int slot = i;
                threads.add(Thread.ofPlatform().start(() -> all.work(slot)));
            }
            for (Thread thread : threads) {
                thread.join();
            }
        }
    }

    private void work(int slot) {
        try (RbdBuffer shared = slot % 4 == 3 ? image.allocate(blockLength) : null) {
            ByteBuffer buffer =
                    shared == null ? ByteBuffer.allocateDirect(blockLength) : shared.bytes();
            SplittableRandom random = new SplittableRandom(client * 1000L + slot);
            long sequence = 0;
            while (!Files.exists(end)) {
                for (int i = 0; i < BURST; i++) {
                    int block = random.nextInt(blocks);
                    if (random.nextBoolean()) {
                        long value = (long) client << 56 | (long) slot << 40 | ++sequence;
                        write(slot, block, value, buffer.order(ByteOrder.nativeOrder()));
                    } else {
                        read(slot, block, buffer.order(ByteOrder.nativeOrder()));
                    }
                }
                Thread.sleep(random.nextInt(REST_MILLIS));
            }
        } catch (IOException | InterruptedException e) {
            e.printStackTrace();
            System.exit(1);
        }
    }

    private void write(int slot, int block, long value, ByteBuffer buffer) throws IOException {
        buffer.clear();
        while (buffer.hasRemaining()) {
            buffer.putLong(value);
        }
        invoke(slot, 'w', block, value);
        try {
            int done = transfer(slot, true, block, buffer.flip());
            respond(slot, 'o', done == blockLength ? "" : "short");
        } catch (ErrnoException e) {
            respond(slot, 'e', " " + e.errno().number());
        }
    }

    private void read(int slot, int block, ByteBuffer buffer) throws IOException {
        invoke(slot, 'r', block, 0);
        try {
            int done = transfer(slot, false, block, buffer.clear());
            respond(slot, 'o', done == blockLength ? runs(buffer) : "short");
        } catch (ErrnoException e) {
            respond(slot, 'e', " " + e.errno().number());
        }
    }

    private int transfer(int slot, boolean isWrite, int block, ByteBuffer buffer)
            throws IOException {
        long position = (long) block * blockLength;
        if (slot % 2 == 0) {
            return isWrite ? image.write(buffer, position) : image.read(buffer, position);
        }
        try {
            return (isWrite
                            ? image.writeAsync(buffer, position)
                            : image.readAsync(buffer, position))
                    .join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof IOException cause) {
                throw cause;
            }
            throw e;
        }
    }

    private static String runs(ByteBuffer buffer) {
        StringBuilder text = new StringBuilder();
        int count = buffer.capacity() / Long.BYTES;
        int start = 0;
        for (int i = 1; i <= count; i++) {
            long value = buffer.getLong(start * Long.BYTES);
            if (i == count || buffer.getLong(i * Long.BYTES) != value) {
                text.append(' ').append(Long.toHexString(value)).append(' ').append(i - start);
                start = i;
            }
        }
        return text.toString();
    }

    private void invoke(int slot, char operation, int block, long value) throws IOException {
        append(
                "i "
                        + slot
                        + ' '
                        + operation
                        + ' '
                        + block
                        + ' '
                        + Long.toHexString(value)
                        + ' '
                        + System.nanoTime());
    }

    private void respond(int slot, char how, String what) throws IOException {
        append("" + how + ' ' + slot + ' ' + System.nanoTime() + what);
    }

    /** One call, which is there though this process is killed. */
    private void append(String line) throws IOException {
        record.write((line + " .\n").getBytes(StandardCharsets.US_ASCII));
    }
}
