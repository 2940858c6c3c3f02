package org.rbdwrapper.broker.store.ceph;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.rbdwrapper.broker.store.ceph.CephFixture.assertFails;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.store.ceph.ImageSettings.Setting;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ImageSpec;

import java.util.List;

/** What is made of the settings that librbd says it has. */
final class ImageSettingsTest {
    private static final ImageSpec SPEC = ImageSpec.parse("pool/ns/img@snap");

    @Test
    void shouldNameTheSettingsByWhichWritesAreHeldAndWhereTheyAreSet() {
        assertEquals(
                "rbd_cache=true (set for pool pool), rbd_cache_policy=writeback (set for the"
                        + " image), rbd_cache_max_dirty=1M (of the broker's client)",
                new ImageSettings(
                                List.of(
                                        pool("rbd_cache", "true"),
                                        image("rbd_cache_policy", "writeback"),
                                        new Setting(
                                                "rbd_cache_max_dirty",
                                                "1M",
                                                Setting.CONFIGURATION)))
                        .heldWritesBy(SPEC));
    }

    @Test
    void shouldTakeEachOfThreeSettingsForEnoughToHoldNoWrites() {
        assertNull(cache("false", "writeback", "1M"));
        assertNull(cache("true", "writethrough", "1M"));
        assertNull(cache("true", "writeback", "0"));
        assertNull(cache("true", "writearound", "0"));
        assertNotNull(cache("true", "writearound", "1"));
    }

    @Test
    void shouldTakeValuesThatItDoesNotKnowForTheWorse() {
        for (String on : List.of("true", "True", "1", "yes", "maybe", "")) {
            assertNotNull(cache(on, "writeback", "1M"), on);
        }
        for (String off : List.of("false", "FALSE", "0", "no", "off", " false ")) {
            assertNull(cache(off, "writeback", "1M"), off);
        }
        assertNotNull(cache("true", "other", "none"));
    }

    @Test
    void shouldRefuseWritesThatAreNotCopied() {
        assertFails(
                Errno.EOPNOTSUPP,
                () -> check(image("rbd_disable_zero_copy_writes", "false")),
                "pool/ns/img@snap",
                "rbd_disable_zero_copy_writes=false (set for the image)",
                "rbd config image remove pool/ns/img rbd_disable_zero_copy_writes");
        assertFails(
                Errno.EOPNOTSUPP,
                () -> check(pool("rbd_disable_zero_copy_writes", "0")),
                "(set for pool pool)",
                "rbd config pool remove pool rbd_disable_zero_copy_writes");
        assertDoesNotThrow(() -> check(pool("rbd_disable_zero_copy_writes", "true")));
        assertDoesNotThrow(() -> check());
    }

    @Test
    void shouldRefuseCacheOnADiskOfThisHost() {
        Setting plugin = pool("rbd_plugins", "parent_cache,pwl_cache");
        assertFails(
                Errno.EOPNOTSUPP,
                () -> check(plugin, image("rbd_persistent_cache_mode", "ssd")),
                "rbd_persistent_cache_mode=ssd (set for the image)");
        assertDoesNotThrow(() -> check(plugin, image("rbd_persistent_cache_mode", "disabled")));
        assertDoesNotThrow(
                () ->
                        check(
                                pool("rbd_plugins", "parent_cache"),
                                image("rbd_persistent_cache_mode", "rwl")),
                "without the plugin there is none");
    }

    private static String cache(String cache, String policy, String maxDirty) {
        return new ImageSettings(
                        List.of(
                                image("rbd_cache", cache),
                                image("rbd_cache_policy", policy),
                                image("rbd_cache_max_dirty", maxDirty)))
                .heldWritesBy(SPEC);
    }

    private static void check(Setting... settings) throws Exception {
        new ImageSettings(List.of(settings)).check(SPEC);
    }

    private static Setting pool(String name, String value) {
        return new Setting(name, value, Setting.POOL);
    }

    private static Setting image(String name, String value) {
        return new Setting(name, value, Setting.IMAGE);
    }
}
