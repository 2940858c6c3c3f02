package org.rbdwrapper.broker.store.ceph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.rbdwrapper.broker.store.ceph.CephFixture.assertFails;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.broker.store.ImageIo;
import org.rbdwrapper.broker.store.ImageTuning;
import org.rbdwrapper.broker.store.ProgressListener;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.codec.IoOp;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Configuration, keys and their caps. */
@Tag("ceph")
@Timeout(120)
final class CephConnectSystemTest {
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
    void shouldSetItsOwnDefaultsOnlyWhereNobodyElseHasSetAny() throws Exception {
        Path conf = conf("[client]\nlibrados thread count = 3\nclient_mount_timeout = 7\n");
        Cluster cluster = new Cluster("rbdw");
        CephStore.open(conf, "rbdw", Map.of("client_mount_timeout", "9"))
                .configure(cluster, ImageTuning.NONE);
        assertEquals("1", cluster.confGet("ms_async_op_threads"));
        assertEquals("3", cluster.confGet("librados_thread_count"));
        assertEquals("9", cluster.confGet("client_mount_timeout"));
        cluster.shutDown();
    }

    @Test
    void shouldRefuseConfigurationThatCannotBeUsed() throws Exception {
        Path missing = folder.resolve("missing.conf");
        assertFails(
                Errno.ENOENT, () -> CephStore.open(missing, "rbdw", Map.of()), missing.toString());
        Path garbage = conf("this is no configuration\n");
        assertFails(Errno.EINVAL, () -> connect(garbage, "rbdw", Map.of()), garbage.toString());
        Path conf = ceph.cluster.conf();
        assertFails(Errno.ENOENT, () -> connect(conf, "rbdw", Map.of("no_such", "1")), "no_such");
        assertFails(
                Errno.EINVAL,
                () -> connect(conf, "rbdw", Map.of("client_mount_timeout", "soon")),
                "client_mount_timeout");
    }

    @Test
    void shouldNameTheCapsThatAreMissing() throws Exception {
        ImageSpec spec = ceph.image(1 << 20);
        try (StoreConnection none = connectAs("rbdw-none", "profile rbd pool=another")) {
            String caps = "profile rbd pool=";
            assertFails(Errno.EPERM, () -> none.list("rbd", ""), "rbd", caps);
            assertFails(Errno.EPERM, () -> none.open(spec, true), spec.toString(), caps);
            assertFails(Errno.EPERM, () -> none.describe(spec), spec.toString(), caps);
            assertFails(
                    Errno.EPERM, () -> none.create(ceph.name(), 512), "cannot be created", caps);
            assertFails(
                    Errno.EPERM,
                    () -> none.resize(spec, 2 << 20, false, ProgressListener.NONE),
                    caps);
            assertFails(Errno.EPERM, () -> none.remove(spec, ProgressListener.NONE), caps);
        } finally {
            ceph.cluster.ceph("auth", "del", "client.rbdw-none");
        }
    }

    @Test
    void shouldReadWithKeyThatMayOnlyRead() throws Exception {
        ImageSpec spec = ceph.image(1 << 20);
        try (StoreImage writer = ceph.connection.open(spec, false);
                ImageIo io = new ImageIo(writer, 4096)) {
            io.write(0, "read me".getBytes(StandardCharsets.UTF_8));
        }
        try (StoreConnection reader = connectAs("rbdw-read", "profile rbd-read-only pool=rbd");
                StoreImage image = reader.open(spec, true);
                ImageIo io = new ImageIo(image, 4096)) {
            assertEquals("read me", new String(io.read(0, 7), StandardCharsets.UTF_8));
            assertEquals(-Errno.EROFS.number(), io.perform(IoOp.WRITE, 0, 512));
            assertFails(Errno.EPERM, () -> reader.open(spec, false), spec.toString());
            assertFails(Errno.EPERM, () -> reader.create(ceph.name(), 512));
        } finally {
            ceph.cluster.ceph("auth", "del", "client.rbdw-read");
        }
    }

    @Test
    void shouldWorkInOneNamespaceWithKeyForThatAlone() throws Exception {
        String namespace = "only-" + ProcessHandle.current().pid();
        ceph.cluster.rbd("namespace", "create", "rbd/" + namespace);
        try (StoreConnection here =
                connectAs("rbdw-here", "profile rbd pool=rbd namespace=" + namespace)) {
            ImageSpec spec = ImageSpec.parse("rbd/" + namespace + "/inner");
            assertEquals(List.of(), here.list("rbd", namespace));
            here.create(spec, 1 << 20);
            assertEquals(List.of(spec.image()), here.list("rbd", namespace));
            here.remove(spec, ProgressListener.NONE);
            assertFails(Errno.ENOENT, () -> here.open(spec, true), spec.toString());
            assertFails(Errno.EPERM, () -> here.list("rbd", ""));
        } finally {
            ceph.cluster.ceph("auth", "del", "client.rbdw-here");
            ceph.cluster.rbd("namespace", "remove", "rbd/" + namespace);
        }
    }

    private StoreConnection connectAs(String id, String osdCaps) throws Exception {
        Path keyring = folder.resolve(id);
        ceph.cluster.ceph(
                "auth",
                "get-or-create",
                "client." + id,
                "mon",
                "profile rbd",
                "osd",
                osdCaps,
                "-o",
                keyring.toString());
        return connect(ceph.cluster.conf(), id, Map.of("keyring", keyring.toString()));
    }

    private static StoreConnection connect(Path conf, String id, Map<String, String> options)
            throws Exception {
        return CephStore.open(conf, id, options).connect("test");
    }

    private Path conf(String text) throws Exception {
        return Files.writeString(folder.resolve("ceph.conf"), text);
    }
}
