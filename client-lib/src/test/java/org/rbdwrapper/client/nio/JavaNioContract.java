package org.rbdwrapper.client.nio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.BrokerFixture;
import org.rbdwrapper.client.RbdBuffer;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.nio.BufferKind.Made;
import org.rbdwrapper.client.nio.Differences.LengthCall;
import org.rbdwrapper.client.nio.TransferCall.Operation;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;

/**
 * RbdFile beside FileChannel and AsynchronousFileChannel on a plain file of the same size and
 * bytes, call by call: what each returns or throws, what it does to its buffer, and which bytes are
 * there then. Where they are meant to differ stands in {@link Differences}.
 */
abstract class JavaNioContract extends BrokerFixture {
    private static final int SIZE = 2 * MIB;

    /** More than what RbdFile copies though it lies in shared memory. */
    private static final int LARGE = 100_000;

    /** More than a channel's arena holds at once. */
    private static final int LARGEST = MIB + LARGE;

    private static final EnumSet<BufferKind> PLAINEST =
            EnumSet.of(BufferKind.HEAP, BufferKind.DIRECT, BufferKind.OF_THE_IMAGE);

    private static final long[] POSITIONS = {
        -1, 0, 1, SIZE - 1, SIZE - LARGE / 2, SIZE, SIZE + 1L, Long.MAX_VALUE - 1, Long.MAX_VALUE
    };

    private static final long[] LENGTHS = {-1, 0, SIZE - 1, SIZE, SIZE + 1, Long.MAX_VALUE};

    private final byte[] pattern = new byte[SIZE];
    private Path plainPath;
    private String imagePath;
    private FileChannel plain;
    private RbdFile image;
    private Side plainSide;
    private Side imageSide;

    JavaNioContract() {
        for (int i = 0; i < pattern.length; i++) {
            pattern[i] = (byte) (i * 31 + i / 4096);
        }
    }

    /** Buffers for one of the two. */
    private final class Side implements BufferKind.Memory {
        private final ByteBuffer direct = ByteBuffer.allocateDirect(LARGEST + 4096);
        private final ByteBuffer mapped;

        Side(String name) throws IOException {
            try (FileChannel channel =
                    FileChannel.open(
                            temporary.resolve(name),
                            StandardOpenOption.CREATE,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE)) {
                mapped = channel.map(FileChannel.MapMode.READ_WRITE, 0, LARGEST + 4096);
            }
        }

        @Override
        public ByteBuffer direct(int length) {
            return direct.slice(0, length);
        }

        @Override
        public ByteBuffer mapped(int length) {
            return mapped.slice(0, length);
        }

        @Override
        public RbdBuffer ofImage(int length) throws IOException {
            return image.allocate(length);
        }
    }

    @BeforeEach
    void make() throws Exception {
        plainPath = temporary.resolve("plain");
        Files.write(plainPath, pattern);
        plain = FileChannel.open(plainPath, StandardOpenOption.READ, StandardOpenOption.WRITE);
        imagePath = image("image", SIZE);
        image = RbdFile.openAt(runDir(), imagePath);
        image.write(ByteBuffer.wrap(pattern), 0);
        plainSide = new Side("mapped-for-plain");
        imageSide = new Side("mapped-for-image");
    }

    @AfterEach
    void remove() throws Exception {
        plain.close();
        image.close();
        remove(imagePath);
    }

    @Test
    void shouldReadAndWriteAsJavaNioDoes() throws Exception {
        SideBySide<TransferCall> both = new SideBySide<>(Differences.OF_TRANSFERS);
        for (List<OpenOption> options :
                List.<List<OpenOption>>of(
                        List.of(StandardOpenOption.READ),
                        List.of(StandardOpenOption.WRITE),
                        List.of(StandardOpenOption.READ, StandardOpenOption.WRITE))) {
            transfer(both, options, EnumSet.allOf(BufferKind.class));
        }
        both.assertOnlyMeantDifferences();
    }

    @Test
    void shouldReadAndWriteDurablyAsJavaNioDoes() throws Exception {
        SideBySide<TransferCall> both = new SideBySide<>(Differences.OF_TRANSFERS);
        for (OpenOption durable : List.of(StandardOpenOption.SYNC, StandardOpenOption.DSYNC)) {
            transfer(
                    both,
                    List.of(StandardOpenOption.READ, StandardOpenOption.WRITE, durable),
                    EnumSet.of(
                            BufferKind.HEAP,
                            BufferKind.DIRECT_PART,
                            BufferKind.CONFINED,
                            BufferKind.OF_CLOSED_SHARED,
                            BufferKind.OF_THE_IMAGE));
        }
        both.assertOnlyMeantDifferences();
    }

    private void transfer(
            SideBySide<TransferCall> both, List<OpenOption> options, EnumSet<BufferKind> kinds)
            throws Exception {
        OpenOption[] asArray = options.toArray(OpenOption[]::new);
        PlainFile file = new PlainFile(plainPath, asArray);
        RbdFile disk = RbdFile.openAt(runDir(), imagePath, asArray);
        try {
            for (BufferKind kind : kinds) {
                for (int length :
                        PLAINEST.contains(kind)
                                ? new int[] {0, 1, LARGE, LARGEST}
                                : new int[] {0, 1, LARGE}) {
                    transfer(both, file, disk, options, false, kind, length);
                }
            }
        } finally {
            file.close();
            disk.close();
        }
        for (BufferKind kind : kinds) {
            for (int length : new int[] {0, 1}) {
                transfer(both, file, disk, options, true, kind, length);
            }
        }
        assertSameBytes(0, SIZE);
    }

    private void transfer(
            SideBySide<TransferCall> both,
            PlainFile file,
            RbdFile disk,
            List<OpenOption> options,
            boolean isClosed,
            BufferKind kind,
            int length)
            throws Exception {
        for (Operation operation : Operation.values()) {
            for (long position : POSITIONS) {
                TransferCall call =
                        new TransferCall(
                                operation, options, isClosed, kind, length, position, SIZE);
                try (Made ofPlain = filled(kind.make(plainSide, length));
                        Made ofImage = filled(kind.make(imageSide, length))) {
                    Outcome expected = onPlain(file, operation, ofPlain.buffer(), position);
                    both.compare(
                            call, expected, onImage(disk, operation, ofImage.buffer(), position));
                    if (expected.isLost()) {
                        restore();
                    } else {
                        assertTrue(
                                ofPlain.whole() == null || ofPlain.whole().equals(ofImage.whole()),
                                () -> "the buffers have other bytes after " + call);
                    }
                }
                if (plain.size() > SIZE) {
                    plain.truncate(SIZE);
                }
                if (!operation.isRead()) {
                    assertSameBytes(position - 10, length + 20);
                }
            }
        }
    }

    private static Made filled(Made made) {
        if (made.whole() != null) {
            for (int i = 0; i < made.whole().capacity(); i++) {
                made.whole().put(i, (byte) (i * 7 + 1));
            }
        }
        return made;
    }

    private static Outcome onPlain(
            PlainFile file, Operation operation, ByteBuffer buffer, long position)
            throws InterruptedException {
        return switch (operation) {
            case READ -> Outcome.of(buffer, () -> file.channel.read(buffer, position));
            case WRITE -> Outcome.of(buffer, () -> file.channel.write(buffer, position));
            case READ_ASYNC -> Outcome.ofLater(buffer, () -> file.readAsync(buffer, position));
            case WRITE_ASYNC -> Outcome.ofLater(buffer, () -> file.writeAsync(buffer, position));
        };
    }

    private static Outcome onImage(
            RbdFile file, Operation operation, ByteBuffer buffer, long position)
            throws InterruptedException {
        return switch (operation) {
            case READ -> Outcome.of(buffer, () -> file.read(buffer, position));
            case WRITE -> Outcome.of(buffer, () -> file.write(buffer, position));
            case READ_ASYNC -> Outcome.ofLater(buffer, () -> file.readAsync(buffer, position));
            case WRITE_ASYNC -> Outcome.ofLater(buffer, () -> file.writeAsync(buffer, position));
        };
    }

    private void assertSameBytes(long around, int length) throws IOException {
        long first = Math.max(around, 0);
        if (first >= SIZE) {
            return;
        }
        ByteBuffer ofPlain = ByteBuffer.allocate(length);
        ByteBuffer ofImage = ByteBuffer.allocate(length);
        assertEquals(plain.read(ofPlain, first), image.read(ofImage, first));
        assertEquals(-1, ofPlain.flip().mismatch(ofImage.flip()), "bytes after " + first);
    }

    @Test
    void shouldTellAndChangeLengthsAsJavaNioDoes() throws Exception {
        SideBySide<LengthCall> both = new SideBySide<>(Differences.OF_LENGTHS);
        for (List<OpenOption> options :
                List.<List<OpenOption>>of(
                        List.of(StandardOpenOption.READ),
                        List.of(StandardOpenOption.WRITE),
                        List.of(StandardOpenOption.READ, StandardOpenOption.WRITE),
                        List.of(StandardOpenOption.WRITE, StandardOpenOption.SYNC))) {
            OpenOption[] asArray = options.toArray(OpenOption[]::new);
            PlainFile file = new PlainFile(plainPath, asArray);
            RbdFile disk = RbdFile.openAt(runDir(), imagePath, asArray);
            try {
                compareLengths(both, file, disk, options, false);
            } finally {
                file.close();
                disk.close();
            }
            compareLengths(both, file, disk, options, true);
            both.compare(
                    new LengthCall("close", options, true, 0, SIZE),
                    Outcome.of(() -> done(file::close)),
                    Outcome.of(() -> done(disk::close)));
        }
        both.assertOnlyMeantDifferences();
    }

    /** A call without a result. */
    @FunctionalInterface
    private interface Done {
        void perform() throws Exception;
    }

    private static Object done(Done call) throws Exception {
        call.perform();
        return null;
    }

    private void compareLengths(
            SideBySide<LengthCall> both,
            PlainFile file,
            RbdFile disk,
            List<OpenOption> options,
            boolean isClosed)
            throws Exception {
        both.compare(
                new LengthCall("isOpen", options, isClosed, 0, SIZE),
                Outcome.of(file.channel::isOpen),
                Outcome.of(disk::isOpen));
        both.compare(
                new LengthCall("size", options, isClosed, 0, SIZE),
                Outcome.of(file.channel::size),
                Outcome.of(disk::size));
        both.compare(
                new LengthCall("force", options, isClosed, 0, SIZE),
                Outcome.of(() -> done(() -> file.channel.force(true))),
                Outcome.of(() -> done(disk::force)));
        both.compare(
                new LengthCall("forceAsync", options, isClosed, 0, SIZE),
                Outcome.of(() -> done(() -> file.asynchronous.force(true))),
                Outcome.ofLater(null, disk::forceAsync));
        for (long length : LENGTHS) {
            both.compare(
                    new LengthCall("truncate", options, isClosed, length, SIZE),
                    Outcome.of(() -> done(() -> file.channel.truncate(length))),
                    Outcome.of(() -> done(() -> disk.truncate(length))));
            both.compare(
                    new LengthCall("size after truncation", options, isClosed, length, SIZE),
                    Outcome.of(file.channel::size),
                    Outcome.of(disk::size));
            restore();
        }
    }

    private void restore() throws IOException {
        plain.write(ByteBuffer.wrap(pattern), 0);
        image.write(ByteBuffer.wrap(pattern), 0);
    }

    @Test
    void shouldTakeOpenOptionsAsJavaNioDoes() throws Exception {
        SideBySide<List<OpenOption>> both = new SideBySide<>(Differences.OF_OPENS);
        List<OpenOption> options = new ArrayList<>(List.of(StandardOpenOption.values()));
        options.add(LinkOption.NOFOLLOW_LINKS);
        options.add(Differences.DIRECT);
        options.add(null);
        compareOpens(both);
        for (OpenOption first : options) {
            compareOpens(both, first);
            for (OpenOption second : options) {
                compareOpens(both, first, second);
                compareOpens(both, StandardOpenOption.WRITE, first, second);
            }
        }
        both.assertOnlyMeantDifferences();
    }

    private void compareOpens(SideBySide<List<OpenOption>> both, OpenOption... options)
            throws IOException {
        if (!Files.exists(plainPath)) { // DELETE_ON_CLOSE
            Files.write(plainPath, pattern);
        }
        both.compare(
                Arrays.asList(options),
                Outcome.of(
                        () -> {
                            try (FileChannel file = FileChannel.open(plainPath, options)) {
                                return modes(file::read, file::write);
                            }
                        }),
                Outcome.of(
                        () -> {
                            try (RbdFile file = RbdFile.openAt(runDir(), imagePath, options)) {
                                return modes(file::read, file::write);
                            }
                        }));
    }

    /** A read or a write. */
    @FunctionalInterface
    private interface Transfer {
        int perform(ByteBuffer buffer, long position) throws IOException;
    }

    private static String modes(Transfer read, Transfer write) throws IOException {
        List<String> modes = new ArrayList<>();
        try {
            read.perform(ByteBuffer.allocate(0), 0);
            modes.add("reads");
        } catch (NonReadableChannelException e) {
            // as it is opened
        }
        try {
            write.perform(ByteBuffer.allocate(0), 0);
            modes.add("writes");
        } catch (NonWritableChannelException e) {
            // as it is opened
        }
        return String.join(" ", modes);
    }
}
