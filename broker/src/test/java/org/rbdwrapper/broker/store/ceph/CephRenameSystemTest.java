package org.rbdwrapper.broker.store.ceph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.rbdwrapper.broker.store.ceph.CephFixture.assertFails;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.broker.store.ImageIo;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.ImageTuning;
import org.rbdwrapper.broker.store.ProgressListener;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ImageSpec;

import java.util.Arrays;

/** Images and snapshots that are known by their identity while their names come and go. */
@Tag("ceph")
@Timeout(120)
final class CephRenameSystemTest {
    private static final int MIB = 1 << 20;

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
    void shouldOpenImageThatWasRenamed() throws Exception {
        ImageSpec old = ceph.image(MIB);
        write(old, 1);
        ImageRef ref = ceph.connection.identify(old);
        ImageSpec now = ceph.name();
        rbd("rename", old, now);
        assertEquals(1, read(ref));
        assertEquals(ref, ceph.connection.identify(now));
        assertEquals(ref.imageId(), ceph.connection.describe(ref).imageId());
        ceph.connection.create(old, 2 * MIB);
        write(old, 2);
        assertEquals(1, read(ref), "and not the one that has its name");
        assertEquals(MIB, ceph.connection.describe(ref).size());
        assertNotEquals(ref, ceph.connection.identify(old));
    }

    @Test
    void shouldFollowResizeOfImageThatWasRenamed() throws Exception {
        ImageSpec old = ceph.image(MIB);
        ImageRef ref = ceph.connection.identify(old);
        try (StoreImage image = ceph.connection.open(ref, false, ImageTuning.NONE)) {
            ImageSpec now = ceph.name();
            rbd("rename", old, now);
            ceph.connection.resize(now, 2 * MIB, false, ProgressListener.NONE);
            assertEquals(2 * MIB, image.size());
        }
    }

    @Test
    void shouldReadSnapshotThatWasRenamed() throws Exception {
        ImageSpec head = ceph.image(MIB);
        write(head, 1);
        ImageSpec old = ImageSpec.parse(head + "@old");
        snap("create", old);
        write(head, 2);
        ImageRef ref = ceph.connection.identify(old);
        assertNotEquals(ref, ceph.connection.identify(head));
        rbdSnapRename(old, ImageSpec.parse(head + "@now"));
        assertEquals(1, read(ref));
        snap("create", old);
        assertEquals(1, read(ref), "and not the one that has its name");
        ImageSpec elsewhere = ceph.name();
        rbd("rename", head, elsewhere);
        assertEquals(1, read(ref), "of an image that was renamed, too");
        ceph.cluster.rbd("snap", "rm", "--no-progress", elsewhere + "@now");
        assertFails(Errno.ENOENT, () -> read(ref), old.toString());
    }

    @Test
    void shouldRefuseImageInTheTrashUntilItIsRestored() throws Exception {
        ImageSpec spec = ceph.image(MIB);
        write(spec, 1);
        ImageRef ref = ceph.connection.identify(spec);
        rbd("trash", "mv", spec);
        assertFails(Errno.ENOENT, () -> read(ref), spec.toString(), "rbd trash restore");
        assertFails(Errno.ENOENT, () -> ceph.connection.describe(ref), "trash");
        ImageSpec restored = ceph.name();
        ceph.cluster.rbd("trash", "restore", "--image", restored.image(), ref.imageId());
        assertEquals(1, read(ref));
    }

    @Test
    void shouldOpenImageOfNamespaceThatWasRenamed() throws Exception {
        String namespace = "renamed-" + ProcessHandle.current().pid();
        ceph.cluster.rbd("namespace", "create", "rbd/" + namespace);
        ImageSpec old = ImageSpec.parse("rbd/" + namespace + "/old");
        ImageSpec now = ImageSpec.parse("rbd/" + namespace + "/now");
        try {
            ceph.connection.create(old, MIB);
            write(old, 1);
            ImageRef ref = ceph.connection.identify(old);
            rbd("rename", old, now);
            assertEquals(1, read(ref));
        } finally {
            ceph.connection.remove(now, ProgressListener.NONE);
            ceph.cluster.rbd("namespace", "remove", "rbd/" + namespace);
        }
    }

    @Test
    void shouldReadCloneWhoseParentWasRenamedAsWell() throws Exception {
        ImageSpec parent = ceph.image(MIB);
        write(parent, 1);
        ImageSpec snapshot = ImageSpec.parse(parent + "@s");
        snap("create", snapshot);
        ImageSpec clone = ceph.name();
        ceph.cluster.rbd(
                "clone", "--rbd-default-clone-format", "2", snapshot.toString(), clone.toString());
        ImageRef ref = ceph.connection.identify(clone);
        ImageSpec parentNow = ceph.name();
        ImageSpec cloneNow = ceph.name();
        rbd("rename", parent, parentNow);
        rbd("rename", clone, cloneNow);
        assertEquals(1, read(ref));
        ceph.cluster.rbd("rm", "--no-progress", cloneNow.toString()); // before its parent
    }

    private void write(ImageSpec spec, int value) throws Exception {
        try (StoreImage image = ceph.connection.open(spec, false);
                ImageIo io = new ImageIo(image, 512)) {
            byte[] bytes = new byte[512];
            bytes[0] = (byte) value;
            assertEquals(512, io.write(0, bytes));
        }
    }

    private int read(ImageRef ref) throws Exception {
        try (StoreImage image = ceph.connection.open(ref, true, ImageTuning.NONE);
                ImageIo io = new ImageIo(image, 512)) {
            assertEquals(ref.imageId(), image.imageId());
            assertEquals(ref.snapshotId(), image.snapshotId());
            byte[] bytes = io.read(0, 512);
            assertArrayEquals(new byte[511], Arrays.copyOfRange(bytes, 1, 512));
            return bytes[0];
        }
    }

    private void rbd(String what, ImageSpec from, ImageSpec to) throws Exception {
        ceph.cluster.rbd(what, from.toString(), to.toString());
    }

    private void rbd(String what, String how, ImageSpec spec) throws Exception {
        ceph.cluster.rbd(what, how, spec.toString());
    }

    private void rbdSnapRename(ImageSpec from, ImageSpec to) throws Exception {
        ceph.cluster.rbd("snap", "rename", from.toString(), to.toString());
    }

    private void snap(String what, ImageSpec spec) throws Exception {
        ceph.cluster.rbd("snap", what, "--no-progress", spec.toString());
    }
}
