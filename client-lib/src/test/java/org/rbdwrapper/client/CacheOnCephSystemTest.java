package org.rbdwrapper.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.testing.CephCluster;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.Random;

/** Mappings with librbd's cache, beside those without. */
@Tag("ceph")
final class CacheOnCephSystemTest extends BrokerFixture {
    private static final int BLOCK = 4096;
    private static final int BLOCKS = 256;

    @Override
    protected String store() {
        return "ceph";
    }

    @Test
    void shouldWriteToClusterAtFlush() throws Exception {
        admin().create("cached", MIB);
        String path = admin().map(request("cached", "cached", "cache=writeback"));
        byte[] bytes = randomBytes();
        try (RbdFile file = RbdFile.openAt(runDir(), path);
                RbdFile other = RbdFile.openAt(runDir(), path)) {
            file.write(ByteBuffer.allocate(BLOCK), 0);
            file.force(); // librbd caches from the first flush on: its program knows of caches
            long before = writesOfOsd();
            writeBlocks(file, bytes);
            assertArrayEquals(bytes, readAll(other), "who else has it open reads it at once");
            long during = writesOfOsd() - before;
            assertTrue(during < BLOCKS / 2, during + " writes for " + BLOCKS);
            file.force();
            assertArrayEquals(bytes, exported("cached"));
        }
        remove(path);
    }

    @Test
    void shouldWriteEachToClusterWithoutCache() throws Exception {
        String path = image("uncached", MIB);
        byte[] bytes = randomBytes();
        try (RbdFile file = RbdFile.openAt(runDir(), path)) {
            file.force();
            long before = writesOfOsd();
            writeBlocks(file, bytes);
            assertTrue(writesOfOsd() - before >= BLOCKS);
            assertArrayEquals(bytes, exported("uncached"));
        }
        remove(path);
    }

    @Test
    void shouldRefuseMappingWithAnotherCache() throws Exception {
        String path = image("mixed", MIB);
        assertRefused(Errno.EBUSY, request("mixed", "mixed-cached", "cache=writeback"));
        admin().unmap(path, false);
        path = admin().map(request("mixed", "mixed-cached", "cache=writeback"));
        assertRefused(Errno.EBUSY, request("mixed", "mixed", "cache=off"));
        assertRefused(Errno.EBUSY, request("mixed", "mixed", ""));
        assertRefused(Errno.EINVAL, request("mixed", "mixed", "cache=on"));
        admin().unmap(path, false);
        admin().remove("mixed", (done, total) -> {});
    }

    private void assertRefused(Errno errno, MapRequest request) {
        ErrnoException e = assertThrows(ErrnoException.class, () -> admin().map(request));
        assertEquals(errno, e.errno());
        assertTrue(e.what().contains("cache="), e.what());
    }

    private static void writeBlocks(RbdFile file, byte[] bytes) throws Exception {
        for (int i = 0; i < BLOCKS; i++) {
            file.write(ByteBuffer.wrap(bytes, i * BLOCK, BLOCK), (long) i * BLOCK);
        }
    }

    private static byte[] readAll(RbdFile file) throws Exception {
        ByteBuffer all = ByteBuffer.allocate(MIB);
        file.read(all, 0);
        return all.array();
    }

    private byte[] exported(String image) throws Exception {
        Path file = temporary.resolve(image + ".export");
        CephCluster.get().rbd("export", "--no-progress", image, file.toString());
        return Files.readAllBytes(file);
    }

    /** Since it was started; other images' too, so that nothing else may run meanwhile. */
    private static long writesOfOsd() throws Exception {
        Path socket = CephCluster.get().conf().resolveSibling("osd.0.asok");
        String dump =
                CephCluster.get().ceph("--admin-daemon", socket.toString(), "perf", "dump", "osd");
        return JsonParser.parseString(dump.substring(dump.indexOf('{')))
                .getAsJsonObject()
                .getAsJsonObject("osd")
                .get("op_w")
                .getAsLong();
    }

    private static byte[] randomBytes() {
        byte[] bytes = new byte[MIB];
        new Random(7).nextBytes(bytes);
        return bytes;
    }

    private static MapRequest request(String spec, String name, String options) {
        return new MapRequest(
                spec,
                name,
                false,
                OptionalLong.empty(),
                OptionalLong.empty(),
                MapRequest.DEFAULT_MODE,
                options);
    }
}
