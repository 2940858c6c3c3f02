package org.rbdwrapper.broker.store.ceph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.broker.store.ImageIo;
import org.rbdwrapper.broker.store.ProgressListener;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.codec.IoOp;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** The data path of an open image. */
@Tag("ceph")
@Timeout(120)
final class CephImageSystemTest {
    private static final int MIB = 1 << 20;

    @TempDir Path folder;
    private CephFixture ceph;

    @BeforeEach
    void connect() throws Exception {
        ceph = new CephFixture();
    }

    @AfterEach
    void clean() throws Exception {
        ceph.close();
    }

    @Test
    void shouldWriteWhatRbdExports() throws Exception {
        ImageSpec spec = ceph.image(10 * MIB);
        byte[] bytes = random(10 * MIB);
        try (StoreImage image = ceph.connection.open(spec, false);
                ImageIo io = new ImageIo(image, 10 * MIB)) {
            assertEquals(10 * MIB, io.write(0, bytes));
            assertEquals(0, io.perform(IoOp.FLUSH, 0, 0));
        }
        Path exported = folder.resolve("exported");
        ceph.cluster.rbd("export", "--no-progress", spec.toString(), exported.toString());
        assertArrayEquals(bytes, Files.readAllBytes(exported));
    }

    @Test
    void shouldReadWhatRbdImports() throws Exception {
        ImageSpec spec = ceph.name();
        byte[] bytes = random(10 * MIB);
        Path source = Files.write(folder.resolve("source"), bytes);
        ceph.cluster.rbd("import", "--no-progress", source.toString(), spec.toString());
        try (StoreImage image = ceph.connection.open(spec, true);
                ImageIo io = new ImageIo(image, 10 * MIB)) {
            assertEquals(10 * MIB, image.size());
            assertArrayEquals(bytes, io.read(0, 10 * MIB));
        }
    }

    /** Unaligned requests, many across the borders of objects, 64 in flight from four threads. */
    @Test
    void shouldAgreeWithModelWithManyRequestsInFlight() throws Exception {
        int threads = 4;
        int part = 4 * MIB - 12_288; // no multiple of an object
        ImageSpec spec = ceph.image((long) threads * part);
        try (StoreImage image = ceph.connection.open(spec, false);
                ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            List<Future<byte[]>> models = new ArrayList<>();
            for (int thread = 0; thread < threads; thread++) {
                ImageModel model = new ImageModel(image, (long) thread * part, part, 16, thread);
                models.add(pool.submit(() -> model.run(3000)));
            }
            for (int thread = 0; thread < threads; thread++) {
                byte[] expected = models.get(thread).get(100, TimeUnit.SECONDS);
                try (ImageIo io = new ImageIo(image, part)) {
                    assertArrayEquals(expected, io.read((long) thread * part, part));
                }
            }
        }
    }

    @Test
    void shouldAnswerTheWholeLengthOfAChange() throws Exception {
        ImageSpec spec = ceph.image(8 * MIB);
        try (StoreImage image = ceph.connection.open(spec, false);
                ImageIo io = new ImageIo(image, 4 * MIB)) {
            io.write(0, random(4 * MIB));
            for (IoOp op : List.of(IoOp.WRITE_ZEROES, IoOp.DISCARD)) {
                io.write(0, random(4 * MIB));
                assertEquals(4 * MIB, io.perform(op, 0, 4 * MIB));
                assertArrayEquals(new byte[4 * MIB], io.read(0, 4 * MIB), op.name());
            }
            io.write(0, random(1000));
            assertEquals(500, io.perform(IoOp.WRITE_ZEROES, 250, 500));
            byte[] around = io.read(0, 1000);
            assertArrayEquals(new byte[500], Arrays.copyOfRange(around, 250, 750));
        }
    }

    @Test
    void shouldAnswerRequestsBeyondTheEnd() throws Exception {
        ImageSpec spec = ceph.image(MIB);
        try (StoreImage image = ceph.connection.open(spec, false);
                ImageIo io = new ImageIo(image, 1024)) {
            assertEquals(-Errno.EINVAL.number(), io.perform(IoOp.READ, MIB, 1));
            assertEquals(-Errno.EINVAL.number(), io.perform(IoOp.WRITE, MIB, 1));
            assertEquals(512, io.perform(IoOp.READ, MIB - 512, 1024));
        }
    }

    @Test
    void shouldCloseImagesThatAreLeftOpenWithTheirConnection() throws Exception {
        ImageSpec spec = ceph.image(MIB);
        StoreConnection connection = ceph.store.connect("ended");
        StoreImage image = connection.open(spec, false);
        try (ImageIo io = new ImageIo(image, 512)) {
            assertEquals(512, io.perform(IoOp.WRITE, 0, 512));
        }
        connection.close();
        image.close(); // as one who did not know would
        // the watcher is gone at once, not in half a minute
        ceph.connection.remove(spec, ProgressListener.NONE);
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }
}
