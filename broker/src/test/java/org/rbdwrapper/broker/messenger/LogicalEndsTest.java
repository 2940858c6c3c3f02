package org.rbdwrapper.broker.messenger;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.codec.IoOp;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

class LogicalEndsTest {
    private static final int SIZE = 64 * 1024;
    private static final int PIECE = LongChanges.PIECE_OBJECTS * ArrayImage.OBJECT;
    private static final int ROUNDS = Integer.getInteger("rbdw.ends.rounds", 300);

    @TempDir private Path folder;

    private final Random random = new Random(Long.getLong("rbdw.ends.seed", 1));
    private final EndTable table = EndTable.inHeap();

    private LogicalEnds ends() {
        LogicalEnds ends = new LogicalEnds(table);
        ends.identify("array");
        return ends;
    }

    private byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    @Test
    void shouldBeAsPlainFilesWhoeverWrites() throws IOException {
        for (int round = 0; round < ROUNDS; round++) {
            try (Model model = new Model(round)) {
                for (int step = 0; step < 40; step++) {
                    model.step();
                }
            }
        }
    }

    @Test
    void shouldKeepEachAcknowledgedWriteOfManyThreads() throws Exception {
        byte[] before = bytes(SIZE);
        ArrayImage image = new ArrayImage(before.clone(), true);
        LogicalEnds ends = ends();
        int block = 61;
        List<Integer> places = new ArrayList<>();
        for (int place = 0; place < SIZE / block / 2; place++) {
            places.add(place);
        }
        Collections.shuffle(places, random);
        byte[] expected = new byte[SIZE];
        int threads = 4;
        try (RingClient truncating = new RingClient();
                ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            OpenHandle truncated = truncating.open(image, ends);
            truncating.await(truncating.truncate(truncated, IoOp.TRUNCATE, 0, Long.MAX_VALUE, 0));
            List<Future<?>> writers = new ArrayList<>();
            int last = 0;
            for (int place : places) {
                byte[] content = bytes(block);
                System.arraycopy(content, 0, expected, place * block * 2, block);
                last = Math.max(last, (place * 2 + 1) * block);
            }
            int end = last;
            for (int t = 0; t < threads; t++) {
                int own = t;
                writers.add(
                        pool.submit(
                                () -> {
                                    try (RingClient client = new RingClient()) {
                                        OpenHandle handle = client.open(image, ends);
                                        for (int i = own; i < places.size(); i += threads) {
                                            int at = places.get(i) * block * 2;
                                            byte[] content =
                                                    Arrays.copyOfRange(expected, at, at + block);
                                            int tag = client.write(handle, at, content);
                                            assertEquals(block, client.await(tag));
                                        }
                                    }
                                }));
            }
            for (Future<?> writer : writers) {
                writer.get();
            }
            System.arraycopy(before, end, expected, end, SIZE - end);
            assertArrayEquals(expected, image.bytes);
        }
    }

    @Test
    void shouldFailOnlyTheWriteWhoseZeroesFail() {
        byte[] before = bytes(SIZE);
        ArrayImage image = new ArrayImage(before.clone(), false);
        LogicalEnds ends = ends();
        try (RingClient client = new RingClient();
                RingClient other = new RingClient()) {
            OpenHandle truncated = client.open(image, ends);
            OpenHandle handle = other.open(image, ends);
            client.await(client.truncate(truncated, IoOp.TRUNCATE, 0, Long.MAX_VALUE, 100));
            byte[] written = bytes(10);
            int skipping = client.write(truncated, 20_000, written);
            int following = other.write(handle, 95, written);
            assertFalse(image.isWaiting(IoOp.WRITE), "written while zeroes are");
            image.fail(IoOp.WRITE_ZEROES, Errno.ETIMEDOUT.number());
            while (image.waiting() > 0) {
                image.finishAny(random);
            }
            assertEquals(-Errno.ETIMEDOUT.number(), client.await(skipping));
            assertEquals(10, other.await(following));
            System.arraycopy(written, 0, before, 95, 10);
            assertArrayEquals(before, image.bytes);
            image.fail(IoOp.WRITE_ZEROES, 0);
            int again = client.write(truncated, 200, written);
            while (image.waiting() > 0) {
                image.finishAny(random);
            }
            assertEquals(10, client.await(again));
            Arrays.fill(before, 105, 200, (byte) 0);
            System.arraycopy(written, 0, before, 200, 10);
            assertArrayEquals(before, image.bytes);
        }
    }

    @Test
    void shouldStopForAClientThatHasGoneAndGoOnWithTheOthers() {
        byte[] before = bytes(SIZE);
        ArrayImage image = new ArrayImage(before.clone(), false);
        LogicalEnds ends = ends();
        int[] drained = new int[1];
        try (RingClient client = new RingClient();
                RingClient other = new RingClient()) {
            OpenHandle truncated = client.open(image, ends);
            OpenHandle handle = other.open(image, ends);
            OpenHandle holding = other.open(image, ends);
            other.await(other.truncate(holding, IoOp.TRUNCATE, 0, Long.MAX_VALUE, 0));
            client.truncate(truncated, IoOp.TRUNCATE, 0, Long.MAX_VALUE, 60_000);
            client.write(truncated, 1, bytes(5));
            byte[] written = bytes(10);
            int waiting = other.write(handle, 0, written);
            client.stop();
            client.leave(truncated, () -> drained[0]++);
            while (image.waiting() > 0) {
                image.finishAny(random);
            }
            assertEquals(1, drained[0]);
            assertEquals(10, other.await(waiting));
            assertEquals(0, truncated.inFlight());
            byte[] end = Arrays.copyOfRange(before, 5 * PIECE, SIZE);
            assertArrayEquals(
                    end, Arrays.copyOfRange(image.bytes, 5 * PIECE, SIZE), "zeroes for nobody");
            assertArrayEquals(written, Arrays.copyOf(image.bytes, 10));
        }
    }

    @Test
    void shouldLetReadersAndChangesBeforeTheEndPass() {
        ArrayImage image = new ArrayImage(bytes(SIZE), false);
        LogicalEnds ends = ends();
        try (RingClient client = new RingClient()) {
            OpenHandle handle = client.open(image, ends);
            client.await(client.truncate(handle, IoOp.TRUNCATE, 0, Long.MAX_VALUE, 1000));
            client.write(handle, 5000, bytes(1));
            int zeroes = image.waiting();
            assertTrue(zeroes > 0);
            client.write(handle, 900, bytes(100));
            client.submit(handle, IoOp.DISCARD, 40_000, 100);
            client.submit(handle, IoOp.FLUSH, 0, 0);
            client.submit(handle, IoOp.READ, 40_000, 100);
            assertEquals(zeroes + 4, image.waiting());
        }
    }

    @Test
    void shouldBeFoundByTheNextBrokerUntilNobodyIsAwaited() {
        byte[] before = bytes(SIZE);
        try (RingClient client = new RingClient()) {
            ArrayImage image = new ArrayImage(before, true);
            LogicalEnds dead = ends();
            OpenHandle handle = client.open(image, dead);
            client.await(client.truncate(handle, IoOp.TRUNCATE, 512, 4096, 100));
            client.await(client.write(handle, 512 + 300, bytes(10)));
            LogicalEnds next = ends();
            assertTrue(next.isAnyAwaited());
            OpenHandle others = client.open(image, next);
            client.await(client.write(others, 512 + 400, bytes(10)));
            assertArrayEquals(new byte[90], Arrays.copyOfRange(image.bytes, 822, 912));
            OpenHandle back = client.open(image, next);
            assertTrue(next.keep(back, 512, 512 + 4096, -1));
            next.expectNobody();
            client.await(client.write(others, 512 + 500, bytes(10)));
            assertArrayEquals(new byte[90], Arrays.copyOfRange(image.bytes, 922, 1012));
            next.release(back);
            assertFalse(next.isAny());
            byte[] now = image.bytes.clone();
            client.await(client.write(others, 512 + 3000, bytes(1)));
            now[512 + 3000] = image.bytes[512 + 3000];
            assertArrayEquals(now, image.bytes);
            assertFalse(ends().isAny(), "what was forgotten is found by the next broker");
        }
    }

    @Test
    void shouldSayWhereAnEndIsNotKnownAnyMore() {
        try (RingClient client = new RingClient()) {
            ArrayImage image = new ArrayImage(bytes(SIZE), true);
            LogicalEnds ends = ends();
            OpenHandle handle = client.open(image, ends);
            assertFalse(ends.keep(handle, 0, Long.MAX_VALUE, -1));
            assertFalse(ends.keep(handle, 512, 1024, 2000));
            assertTrue(ends.keep(handle, 0, Long.MAX_VALUE, 77));
            client.await(client.write(handle, 80, bytes(1)));
            assertArrayEquals(new byte[3], Arrays.copyOfRange(image.bytes, 77, 80));
        }
    }

    @Test
    void shouldRefuseWhatNoFileCanBe() {
        try (RingClient client = new RingClient()) {
            ArrayImage image = new ArrayImage(bytes(SIZE), true);
            LogicalEnds ends = ends();
            OpenHandle handle = client.open(image, ends);
            int[] tags = {
                client.truncate(handle, IoOp.TRUNCATE, 0, Long.MAX_VALUE, SIZE + 1),
                client.truncate(handle, IoOp.TRUNCATE, 512, 1024, 1025),
                client.truncate(handle, IoOp.TRUNCATE, -1, 1024, 5),
                client.truncate(handle, IoOp.TRUNCATE, 1, Long.MAX_VALUE, 5),
                client.truncate(handle, IoOp.TRUNCATE, 10, 100, -1),
                client.truncate(handle, IoOp.EXTEND, 0, -1, 5)
            };
            Errno[] expected = {
                Errno.ENOSPC, Errno.ENOSPC, Errno.EINVAL, Errno.EINVAL, Errno.EINVAL, Errno.EINVAL
            };
            for (int i = 0; i < tags.length; i++) {
                assertEquals(-expected[i].number(), client.await(tags[i]), "request " + i);
            }
            for (int i = 0; i < LogicalEnds.MAX_ENDS; i++) {
                OpenHandle next = client.open(image, ends);
                int tag = client.truncate(next, IoOp.TRUNCATE, 100L * i, 100, 0);
                assertEquals(0, client.await(tag));
            }
            int tag = client.truncate(handle, IoOp.TRUNCATE, 5000, 100, 0);
            assertEquals(-Errno.ENFILE.number(), client.await(tag));
        }
    }

    /** An image and its partitions with several writers, beside plain files of the same content. */
    private final class Model implements AutoCloseable {
        private final byte[] expected = bytes(SIZE);
        private final ArrayImage image = new ArrayImage(expected.clone(), false);
        private final LogicalEnds ends = ends();
        private final RingClient client = new RingClient();
        private final List<Writer> writers = new ArrayList<>();
        private final List<Part> parts = new ArrayList<>();
        private final StringBuilder history = new StringBuilder();

        Model(int round) throws IOException {
            parts.add(new Part(0, Long.MAX_VALUE, folder.resolve(round + "-all")));
            parts.add(new Part(SIZE / 4, SIZE / 4, folder.resolve(round + "-1")));
            parts.add(new Part(SIZE / 2, SIZE / 4, folder.resolve(round + "-2")));
        }

        void step() throws IOException {
            if (writers.isEmpty() || random.nextInt(8) == 0) {
                writers.add(new Writer(parts.get(random.nextInt(parts.size()))));
                return;
            }
            Writer writer = writers.get(random.nextInt(writers.size()));
            switch (random.nextInt(8)) {
                case 0 -> truncate(writer, random.nextInt(writer.part.size() + 1));
                case 1 -> truncate(writer, 0);
                case 2 -> extend(writer, random.nextInt(writer.part.size() + 1));
                case 3 -> close(writer);
                case 4 -> zero(writer);
                default -> write(writer);
            }
            check();
        }

        private void write(Writer writer) throws IOException {
            int at = writer.part.begin() + random.nextInt(writer.part.size());
            int most = Math.min(client.maxTransfer(), writer.part.end() - at);
            byte[] content = bytes(1 + random.nextInt(most));
            note(writer, "write", at, content.length);
            finish(client.write(writer.handle, at, content), content.length);
            put(at, content);
        }

        private void zero(Writer writer) throws IOException {
            int at = writer.part.begin() + random.nextInt(writer.part.size());
            int length = 1 + random.nextInt(writer.part.end() - at);
            note(writer, "zero", at, length);
            finish(client.submit(writer.handle, IoOp.WRITE_ZEROES, at, length), length);
            put(at, new byte[length]);
        }

        private void put(int at, byte[] content) throws IOException {
            for (Part part : parts) {
                int from = Math.max(at, part.begin());
                int to = Math.min(at + content.length, part.end());
                if (part.isTruncated() && from < to) {
                    zeroSkipped(part, from);
                    part.file.seek(from - part.begin());
                    part.file.write(content, from - at, to - from);
                }
            }
            System.arraycopy(content, 0, expected, at, content.length);
        }

        private void truncate(Writer writer, int length) throws IOException {
            Part part = writer.part;
            note(writer, "truncate", part.begin(), length);
            finish(
                    client.truncate(writer.handle, IoOp.TRUNCATE, part.begin, part.length, length),
                    0);
            if (!part.isTruncated()) {
                part.begin(Arrays.copyOfRange(expected, part.begin(), part.end()));
                part.file.setLength(length);
            } else {
                setLength(part, length);
            }
            part.truncatedBy.add(writer);
        }

        private void extend(Writer writer, int length) throws IOException {
            Part part = writer.part;
            note(writer, "extend", part.begin(), length);
            finish(client.truncate(writer.handle, IoOp.EXTEND, part.begin, part.length, length), 0);
            if (part.isTruncated() && part.file.length() < length) {
                setLength(part, length);
            }
        }

        private void setLength(Part part, int length) throws IOException {
            zeroSkipped(part, part.begin() + length);
            part.file.setLength(length);
        }

        /** Zeroes of one part are also in what others have of these bytes. */
        private void zeroSkipped(Part part, int to) throws IOException {
            int from = part.fileEnd();
            if (from < to) {
                Arrays.fill(expected, from, to, (byte) 0);
                for (Part other : parts) {
                    if (other != part && other.isTruncated()) {
                        int begin = Math.max(from, other.begin());
                        int end = Math.min(to, other.fileEnd());
                        if (begin < end) {
                            other.file.seek(begin - other.begin());
                            other.file.write(new byte[end - begin]);
                        }
                    }
                }
            }
        }

        private void note(Writer writer, String what, int from, int length) {
            int number = HandleTable.index(writer.handle.handle());
            history.append(String.format("%d %s %d+%d%n", number, what, from, length));
        }

        private void close(Writer writer) {
            note(writer, "close", writer.part.begin(), 0);
            client.leave(writer.handle, () -> {});
            ends.release(writer.handle);
            writers.remove(writer);
            parts.forEach(part -> part.truncatedBy.remove(writer));
        }

        private void finish(int tag, long result) {
            while (!client.isAnswered(tag)) {
                image.finishAny(random);
            }
            assertEquals(result, client.takeAnswer(tag));
            assertEquals(0, image.waiting());
        }

        private void check() throws IOException {
            assertArrayEquals(expected, image.bytes, history::toString);
            for (Part part : parts) {
                if (part.isTruncated()) {
                    byte[] content = new byte[(int) part.file.length()];
                    part.file.seek(0);
                    part.file.readFully(content);
                    assertArrayEquals(
                            content,
                            Arrays.copyOfRange(image.bytes, part.begin(), part.fileEnd()),
                            () -> history + "the file of " + part.begin);
                }
            }
        }

        @Override
        public void close() throws IOException {
            List.copyOf(writers).forEach(this::close);
            assertFalse(ends.isAny());
            ends.close();
            client.close();
            for (Part part : parts) {
                part.file.close();
            }
        }

        private final class Writer {
            final Part part;
            final OpenHandle handle = client.open(image, ends);

            Writer(Part part) {
                this.part = part;
            }
        }
    }

    /** A part of the image, and the plain file that it is like as long as it is truncated. */
    private static final class Part {
        final long begin;
        final long length;
        final RandomAccessFile file;
        final Set<Object> truncatedBy = new HashSet<>();

        Part(long begin, long length, Path path) throws IOException {
            this.begin = begin;
            this.length = length;
            this.file = new RandomAccessFile(path.toFile(), "rw");
        }

        boolean isTruncated() {
            return !truncatedBy.isEmpty();
        }

        int begin() {
            return (int) begin;
        }

        int end() {
            return length == Long.MAX_VALUE ? SIZE : (int) (begin + length);
        }

        int size() {
            return end() - begin();
        }

        int fileEnd() throws IOException {
            return begin() + (int) file.length();
        }

        void begin(byte[] content) throws IOException {
            file.setLength(0);
            file.seek(0);
            file.write(content);
        }
    }
}
