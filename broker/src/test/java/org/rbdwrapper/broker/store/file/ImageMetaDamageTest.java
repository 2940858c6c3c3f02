package org.rbdwrapper.broker.store.file;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.broker.store.ImageDetails;
import org.rbdwrapper.broker.store.ImageIo;
import org.rbdwrapper.broker.store.ProgressListener;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeoutException;

/** Whatever happens to an image's description: it is right or refused, and others are as before. */
class ImageMetaDamageTest {
    private static final ImageSpec DAMAGED = ImageSpec.parse("pool/ns/größe.1");
    private static final ImageSpec OTHER = ImageSpec.parse("pool/ns/other");

    @TempDir Path temp;
    private FileStore store;
    private StoreConnection connection;
    private Path meta;
    private byte[] intact;
    private ImageDetails right;

    @BeforeEach
    void createImages() throws Exception {
        store = FileStore.open(temp.resolve("images"));
        connection = store.connect("test");
        connection.create(DAMAGED, 4096);
        connection.create(OTHER, 8192);
        meta = folder(DAMAGED).resolve("meta");
        intact = Files.readAllBytes(meta);
        right = connection.describe(DAMAGED);
        try (StoreImage image = connection.open(OTHER, false);
                ImageIo io = new ImageIo(image, 3)) {
            assertEquals(3, io.write(0, new byte[] {1, 2, 3}));
        }
    }

    @AfterEach
    void close() {
        store.close();
    }

    @Test
    void shouldRefuseItWithAnyBitFlipped() throws IOException {
        for (int bit = 0; bit < intact.length * 8; bit++) {
            byte[] damaged = intact.clone();
            damaged[bit / 8] ^= (byte) (1 << bit % 8);
            Files.write(meta, damaged);
            refused("bit " + bit);
        }
    }

    @Test
    void shouldRefuseItWithAnyByteChanged() throws IOException {
        Random random = new Random(5);
        for (int at = 1; at < intact.length; at++) {
            for (byte value : new byte[] {0, '\n', '=', '\\', (byte) random.nextInt()}) {
                byte[] damaged = intact.clone();
                damaged[at] = value;
                if (value != intact[at]) {
                    Files.write(meta, damaged);
                    refused("byte " + at + " is " + value);
                }
            }
        }
    }

    @Test
    void shouldRefuseItCutOrLengthenedOrZeroed() throws IOException {
        for (int length = 0; length < intact.length; length++) {
            Files.write(meta, Arrays.copyOf(intact, length));
            refused("cut to " + length);
            byte[] zeroed = intact.clone();
            Arrays.fill(zeroed, length, zeroed.length, (byte) 0);
            Files.write(meta, zeroed);
            refused("zeroed from " + length);
        }
        Files.write(meta, Arrays.copyOf(intact, intact.length + 1));
        refused("longer by one");
        Files.write(meta, new byte[1 << 20]);
        refused("a megabyte of zeroes");
    }

    @Test
    void shouldRefuseThatOfAnotherImage() throws Exception {
        Files.copy(folder(OTHER).resolve("meta"), temp.resolve("copy"));
        Files.delete(meta);
        Files.copy(temp.resolve("copy"), meta);
        refused("another's");
        assertEquals(List.of("other"), connection.list("pool", "ns"));
    }

    @Test
    void shouldRefuseWhatIsNoFile() throws Exception {
        Files.delete(meta);
        refused("missing");
        Files.createDirectory(meta);
        refused("a folder");
        Files.delete(meta);
        Files.createSymbolicLink(meta, folder(OTHER).resolve("meta"));
        refused("a link");
    }

    @Test
    void shouldRefuseAnImageWithoutItsBytes() throws Exception {
        Path data = folder(DAMAGED).resolve("data");
        Files.delete(data);
        refused("missing");
        Files.createDirectory(data);
        refused("a folder");
        Files.delete(data);
        Files.createSymbolicLink(data, folder(OTHER).resolve("data"));
        refused("a link to another's");
        connection.remove(DAMAGED, ProgressListener.NONE);
        assertEquals(List.of("other"), connection.list("pool", "ns"));
        othersAreAsBefore();
    }

    @Test
    void shouldTakeThatOfAVersionWithoutChecksum() throws Exception {
        String lines = Files.readString(meta);
        Files.writeString(
                meta, "#Tue Nov 24 02:56:24 UTC 2026\n" + lines.substring(lines.indexOf('\n') + 1));
        assertEquals(right, connection.describe(DAMAGED));
        assertEquals(List.of("größe.1", "other"), connection.list("pool", "ns"));
    }

    @Test
    void shouldOpenAStoreWithAnyDamage() throws Exception {
        store.close();
        Files.write(meta, new byte[] {'#', 0, -1});
        Path images = temp.resolve("images");
        Files.writeString(images.resolve(".unfinished-file"), "not a folder");
        Files.createSymbolicLink(images.resolve(".unfinished-link"), folder(OTHER));
        Files.writeString(images.resolve("pool").resolve("file"), "where a namespace could be");
        Files.writeString(folder(OTHER).resolveSibling("file"), "where an image could be");
        Files.write(images.resolve(".lock"), new byte[] {-1, 0, '\n'});
        store = FileStore.open(images);
        connection = store.connect("test");
        refused("after the start");
        assertEquals(List.of("other"), connection.list("pool", "ns"));
        othersAreAsBefore();
    }

    private void refused(String what) throws IOException {
        ErrnoException opened =
                assertThrows(
                        ErrnoException.class, () -> connection.open(DAMAGED, true).close(), what);
        assertEquals(Errno.EIO, opened.errno(), what);
        assertEquals(1, opened.describe().lines().count(), what);
        assertTrue(opened.describe().contains(folder(DAMAGED).toString()), what);
        assertThrows(ErrnoException.class, () -> connection.describe(DAMAGED), what);
        othersAreAsBefore();
    }

    private void othersAreAsBefore() throws IOException {
        try (StoreImage image = connection.open(OTHER, false);
                ImageIo io = new ImageIo(image, 3)) {
            assertEquals(8192, image.size());
            assertArrayEquals(new byte[] {1, 2, 3}, io.read(0, 3));
        } catch (InterruptedException | TimeoutException e) {
            throw new IOException(e);
        }
    }

    private Path folder(ImageSpec spec) {
        return temp.resolve("images")
                .resolve(spec.pool())
                .resolve(spec.namespace())
                .resolve(FileNames.encode(spec.image()));
    }
}
