package org.rbdwrapper.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.testing.CephCluster;
import org.rbdwrapper.broker.testing.JavaProcess;

import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;

/** {@link RbdFileContract} on a real cluster, and what only a cluster can show. */
@Tag("ceph")
final class RbdFileOnCephSystemTest extends RbdFileContract {
    private static final int LENGTH = 64 * 1024 * 1024;

    @Override
    protected String store() {
        return "ceph";
    }

    @Test
    void shouldBeReadByRbdExport() throws Exception {
        String path = image("exported", LENGTH);
        byte[] bytes = new byte[LENGTH];
        new Random(7).nextBytes(bytes);
        try (RbdFile file = open(path)) {
            assertEquals(LENGTH, file.write(ByteBuffer.wrap(bytes), 0));
            file.force();
        }
        Path exported = temporary.resolve("exported");
        CephCluster.get().rbd("export", "--no-progress", "exported", exported.toString());
        assertEquals(sha256(bytes), sha256(exported));
        Files.delete(exported);
        remove(path);
    }

    @Test
    void shouldReadWhatRbdImportWrote() throws Exception {
        byte[] bytes = new byte[LENGTH];
        new Random(8).nextBytes(bytes);
        Path source = Files.write(temporary.resolve("source"), bytes);
        CephCluster.get().rbd("import", "--no-progress", source.toString(), "imported");
        String path = admin().map(org.rbdwrapper.client.admin.MapRequest.of("imported"));
        ByteBuffer back = ByteBuffer.allocate(LENGTH);
        try (RbdFile file = open(path)) {
            assertEquals(LENGTH, file.read(back, 0));
        }
        assertEquals(sha256(bytes), sha256(back.array()));
        Files.delete(source);
        remove(path);
    }

    @Test
    void shouldKeepExclusiveLockWhereItIsWhileTwoProcessesWrite() throws Exception {
        String path = image("locked", LENGTH);
        try (RbdFile file = open(path)) {
            file.write(ByteBuffer.allocate(1), 0);
            String before = lockOwner();
            try (JavaProcess other =
                    JavaProcess.start(Map.of(), CoherenceClient.class, runDir().toString(), path)) {
                other.awaitLine("reading");
                CoherenceClient.pingPong(file, 1);
                assertEquals(before, lockOwner());
                other.awaitSuccess(60);
            }
            assertEquals(before, lockOwner());
        }
        remove(path);
    }

    /** The owner's client number and cookie: both change when the lock is handed over. */
    private static String lockOwner() throws Exception {
        String owner = CephCluster.get().rbd("lock", "ls", "--format", "json", "locked");
        assertEquals(1, owner.split("\"locker\"", -1).length - 1, owner);
        return owner;
    }

    private static String sha256(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }

    private static String sha256(Path file) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
            in.transferTo(java.io.OutputStream.nullOutputStream());
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
