package org.rbdwrapper.broker.store.ceph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.rbdwrapper.broker.store.ceph.CephFixture.assertFails;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.rbdwrapper.broker.store.ImageIo;
import org.rbdwrapper.broker.store.ProgressListener;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.codec.IoOp;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** Administration of images, and what its failures say. */
@Tag("ceph")
@Timeout(120)
final class CephImagesSystemTest {
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
    void shouldListAllImagesByName() throws Exception {
        List<String> made = new ArrayList<>();
        // more than the kilobyte that the list is first asked for with
        for (int i = 0; i < 30; i++) {
            ImageSpec spec = ceph.name("-" + "x".repeat(40));
            ceph.connection.create(spec, MIB);
            made.add(spec.image());
        }
        List<String> listed = ceph.connection.list("rbd", "");
        assertEquals(listed.stream().sorted().toList(), listed);
        assertTrue(listed.containsAll(made), listed.toString());
    }

    @Test
    void shouldSayWhichPartOfTheSpecIsMissing() throws Exception {
        ImageSpec there = ceph.image(MIB);
        record Case(String spec, String says) {}
        for (Case missing :
                List.of(
                        new Case("no-pool/x", "pool no-pool does not exist"),
                        new Case("rbd/no-space/x", "pool rbd has no namespace no-space"),
                        new Case("rbd/no-image", "image rbd/no-image does not exist"),
                        new Case("rbd/no-image@s", "image rbd/no-image does not exist"),
                        new Case(
                                there + "@no-snap",
                                "image " + there + "@no-snap: the image has no such snapshot"))) {
            ImageSpec spec = ImageSpec.parse(missing.spec());
            assertFails(Errno.ENOENT, () -> ceph.connection.open(spec, true), missing.says());
            assertFails(Errno.ENOENT, () -> ceph.connection.describe(spec), missing.says());
            if (!spec.isSnapshot()) {
                assertFails(
                        Errno.ENOENT,
                        () -> ceph.connection.resize(spec, MIB, true, ProgressListener.NONE),
                        missing.says());
                assertFails(
                        Errno.ENOENT,
                        () -> ceph.connection.remove(spec, ProgressListener.NONE),
                        missing.says());
            }
        }
        assertFails(Errno.ENOENT, () -> ceph.connection.list("no-pool", ""), "pool no-pool");
        assertFails(
                Errno.ENOENT, () -> ceph.connection.list("rbd", "no-space"), "namespace no-space");
        assertFails(
                Errno.ENOENT,
                () -> ceph.connection.create(ImageSpec.parse("rbd/no-space/x"), MIB),
                "namespace no-space");
    }

    /** What librbd has done of a create, or not yet undone of a remove, when its process dies. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void shouldSayWhatIsLeftOfACreateThatWasBrokenOff(boolean hasId) throws Exception {
        ImageSpec spec = ceph.image(MIB);
        String header = "rbd_header." + ceph.connection.describe(spec).imageId();
        ceph.cluster.rados("-p", spec.pool(), "rm", header);
        if (!hasId) {
            ceph.cluster.rados("-p", spec.pool(), "rm", "rbd_id." + spec.image());
        }
        String says = "image " + spec + " is not complete";
        assertFails(Errno.ENOENT, () -> ceph.connection.open(spec, false), says, "remove it");
        assertFails(Errno.ENOENT, () -> ceph.connection.describe(spec), says);
        assertFails(Errno.EEXIST, () -> ceph.connection.create(spec, MIB), says, "remove it");
        ceph.connection.remove(spec, ProgressListener.NONE);
        ceph.connection.create(spec, MIB);
        assertEquals(MIB, ceph.connection.describe(spec).size());
        assertFails(
                Errno.EEXIST,
                () -> ceph.connection.create(spec, MIB),
                "image " + spec + " cannot be created");
    }

    @Test
    void shouldShowReadersResizeByAnotherClient() throws Exception {
        ImageSpec spec = ceph.image(MIB);
        try (StoreImage image = ceph.connection.open(spec, true)) {
            ceph.cluster.rbd("resize", "--no-progress", "--size", "5M", spec.toString());
            while (image.size() != 5 * MIB) { // the class's time limit ends a wait in vain
                Thread.sleep(10);
            }
        }
    }

    @Test
    void shouldShrinkOnlyWhereThatIsAllowed() throws Exception {
        ImageSpec spec = ceph.image(64 * MIB);
        try (StoreImage image = ceph.connection.open(spec, false);
                ImageIo io = new ImageIo(image, 4096)) {
            for (int object = 0; object < 16; object++) {
                assertEquals(4096, io.perform(IoOp.WRITE, object * 4L * MIB, 4096));
            }
            assertFails(
                    Errno.EINVAL,
                    () -> ceph.connection.resize(spec, MIB, false, ProgressListener.NONE),
                    spec.toString(),
                    "--allow-shrink");
            assertEquals(64 * MIB, image.size());
            AtomicLong steps = new AtomicLong();
            ceph.connection.resize(
                    spec,
                    MIB,
                    true,
                    (done, total) -> {
                        assertTrue(done >= 0 && done <= total);
                        steps.incrementAndGet();
                    });
            assertEquals(MIB, image.size());
            assertTrue(steps.get() > 0);
        }
        assertEquals(MIB, ceph.connection.describe(spec).size());
    }
}
