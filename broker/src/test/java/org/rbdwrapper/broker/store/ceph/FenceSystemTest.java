package org.rbdwrapper.broker.store.ceph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.broker.store.ImageIo;
import org.rbdwrapper.broker.store.ImageTuning;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** Who is fenced, and who is not. The dead are stores of this process whose notes say so. */
@Tag("ceph")
@Timeout(120)
final class FenceSystemTest {
    private static final byte[] OLD = "old".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] NEW = "new".getBytes(StandardCharsets.US_ASCII);

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
    void shouldRefuseWritesOfTheDeadThatArriveLate() throws Exception {
        ImageSpec spec = ceph.image(1 << 20);
        try (StoreConnection before = store("rbdw").connect("before");
                StoreImage old = before.open(spec, false);
                ImageIo oldIo = new ImageIo(old, 512)) {
            assertEquals(OLD.length, oldIo.write(0, OLD));
            declareDead();
            try (StoreConnection after = store("rbdw").connect("after");
                    StoreImage image = after.open(spec, false);
                    ImageIo io = new ImageIo(image, 512)) {
                // the dead one has the exclusive lock
                assertEquals(NEW.length, io.write(0, NEW));
                assertEquals(-Errno.ESHUTDOWN.number(), oldIo.write(0, OLD));
                assertArrayEquals(NEW, io.read(0, NEW.length));
            }
        }
        assertEquals(List.of(), notes());
    }

    @Test
    void shouldNotFenceTheLiving() throws Exception {
        assertNotFenced(text -> text);
    }

    @Test
    void shouldNotFenceThoseOfAnotherBoot() throws Exception {
        assertNotFenced(text -> dead(text).replaceFirst("[0-9a-f-]{36}", "another"));
    }

    @Test
    void shouldNotFenceThoseNotedInFolderThatThisIsACopyOf() throws Exception {
        assertNotFenced(text -> dead(text).replaceFirst("[0-9]+:[0-9]+\n", "1:1\n"));
    }

    @Test
    void shouldTakeNoteThatWasCutOffForNone() throws Exception {
        assertNotFenced(text -> text.substring(0, text.length() / 2));
    }

    @Test
    void shouldGoOnWithoutFenceWhereKeyMayNotBlocklist() throws Exception {
        Path keyring = folder.resolve("keyring");
        ceph.cluster.ceph(
                "auth",
                "get-or-create",
                "client.rbdw-meek",
                "mon",
                "allow r",
                "osd",
                "profile rbd pool=rbd",
                "-o",
                keyring.toString());
        CephStore store =
                CephStore.open(
                        ceph.cluster.conf(),
                        "rbdw-meek",
                        Map.of("keyring", keyring.toString()),
                        clients(),
                        null);
        try (StoreConnection before = store("rbdw").connect("before")) {
            declareDead();
            try (StoreConnection after = store.connect("after")) {
                assertFalse(after.list("rbd", "").contains("no such image"));
                assertEquals(1, notes().size()); // its own
                assertEquals(before.list("rbd", ""), after.list("rbd", ""));
            }
        } finally {
            ceph.cluster.ceph("auth", "del", "client.rbdw-meek");
        }
    }

    @Test
    void shouldGiveUpMonitorsThatDoNotAnswerAndFenceLater() throws Exception {
        CephStore store = store("rbdw");
        ClientRecords records = new ClientRecords(clients());
        Cluster cluster = new Cluster("rbdw");
        try (StoreConnection before = store.connect("before")) {
            assertFalse(before.list("rbd", "").contains("no such image"));
            declareDead();
            store.configure(cluster, ImageTuning.NONE);
            cluster.connect();
            String id = LibRados.clusterId(cluster.address());
            ceph.cluster.signal("mon.a", "STOP");
            try {
                Fence impatient = new Fence(records, 1);
                CephFixture.assertFails(
                        Errno.ETIMEDOUT,
                        () -> impatient.raise(cluster.address(), id),
                        "within 1 s",
                        "monitors");
                assertEquals(1, notes().size());
            } finally {
                ceph.cluster.signal("mon.a", "CONT");
            }
            new Fence(records).raise(cluster.address(), id);
            assertEquals(List.of(), notes());
        } finally {
            cluster.shutDown();
        }
    }

    private void assertNotFenced(UnaryOperator<String> change) throws Exception {
        ImageSpec spec = ceph.image(1 << 20);
        try (StoreConnection other = store("rbdw").connect("other");
                StoreImage image = other.open(spec, false);
                ImageIo io = new ImageIo(image, 512)) {
            rewrite(change);
            try (StoreConnection after = store("rbdw").connect("after")) {
                assertEquals(1 << 20, after.describe(spec).size());
                assertEquals(OLD.length, io.write(0, OLD));
            }
        }
    }

    /** The process that it says has another start time than the one that has its number. */
    private void declareDead() throws Exception {
        rewrite(FenceSystemTest::dead);
    }

    private static String dead(String text) {
        String changed = text.replaceFirst("( [0-9]+) [0-9]+ ", "$1 1 ");
        assertFalse(changed.equals(text));
        return changed;
    }

    private void rewrite(UnaryOperator<String> change) throws Exception {
        List<Path> notes = notes();
        assertEquals(1, notes.size());
        String text = Files.readString(notes.get(0));
        assertTrue(text.matches("[^ /]+:0/[0-9]+ .*\n"), text);
        Files.writeString(notes.get(0), change.apply(text));
    }

    private CephStore store(String id) throws ErrnoException {
        return CephStore.open(ceph.cluster.conf(), id, Map.of(), clients(), null);
    }

    private Path clients() {
        return folder.resolve("clients");
    }

    private List<Path> notes() throws Exception {
        try (Stream<Path> files = Files.list(clients())) {
            return files.toList();
        }
    }
}
