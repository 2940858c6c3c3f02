package org.rbdwrapper.broker.store.ceph;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The settings that librbd has for one image. What an image's or a pool's metadata sets ({@code rbd
 * config image set}, {@code rbd config pool set}) beats all that a client sets, so the broker's own
 * settings ({@link CephStore}) are none until librbd has been asked.
 *
 * <p>librbd takes those that matter here when it opens an image, and keeps them until it closes it:
 * they are asked for at each opening, right after it. Who sets one on an image that is open changes
 * its next opening.
 */
final class ImageSettings {
    static final String CACHE = "rbd_cache";
    static final String CACHE_POLICY = "rbd_cache_policy";
    static final String CACHE_MAX_DIRTY = "rbd_cache_max_dirty";
    static final String COPIES_WRITES = "rbd_disable_zero_copy_writes";
    static final String LOCAL_CACHE = "rbd_persistent_cache_mode";
    private static final String PLUGINS = "rbd_plugins";

    /** What a value that switches something off looks like; Ceph takes any letters. */
    private static final Set<String> OFF = Set.of("false", "0", "no", "off");

    /** rbd_config_option_t. */
    private static final StructLayout OPTION =
            MemoryLayout.structLayout(
                    ADDRESS.withName("name"),
                    ADDRESS.withName("value"),
                    JAVA_INT.withName("source"),
                    MemoryLayout.paddingLayout(4));

    private static final VarHandle NAME = field("name");
    private static final VarHandle VALUE = field("value");
    private static final VarHandle SOURCE = field("source");

    /** More than any release has of them; librbd says how many where it is not enough. */
    private static final int ROOM = 256;

    private static final int MAX_ROOM = 65_536;

    private final Map<String, Setting> settings = new HashMap<>();

    /**
     * @param value as it was given.
     * @param source rbd_config_source_t.
     */
    record Setting(String name, String value, int source) {
        static final int CONFIGURATION = 0;
        static final int POOL = 1;
        static final int IMAGE = 2;

        /** For people: what it is, and where it is set. */
        String describe(ImageSpec spec) {
            String where =
                    switch (source) {
                        case POOL -> "set for pool " + spec.pool();
                        case IMAGE -> "set for the image";
                        default -> "of the broker's client";
                    };
            return name + "=" + value + " (" + where + ")";
        }

        /** The command that takes it back; empty where there is none that would always do. */
        String undo(ImageSpec spec) {
            return switch (source) {
                case POOL -> ": rbd config pool remove " + spec.pool() + " " + name;
                case IMAGE -> ": rbd config image remove " + spec.head() + " " + name;
                default -> "";
            };
        }

        boolean isOff() {
            return OFF.contains(value.strip().toLowerCase(Locale.ROOT));
        }
    }

    ImageSettings(List<Setting> settings) {
        settings.forEach(setting -> this.settings.put(setting.name(), setting));
    }

    /**
     * @param image open.
     */
    static ImageSettings of(long image) throws CephCallException {
        int room = ROOM;
        while (true) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment options = arena.allocate(OPTION, room);
                MemorySegment count = arena.allocateFrom(JAVA_INT, room);
                int result = LibRbd.listSettings(image, options.address(), count.address());
                int found = count.get(JAVA_INT, 0);
                if (result == -Errno.ERANGE.number() && found > room && found <= MAX_ROOM) {
                    room = found;
                    continue;
                }
                CephCallException.check(result, "rbd_config_image_list");
                try {
                    return new ImageSettings(read(options, found));
                } finally {
                    LibRbd.freeSettings(options.address(), found);
                }
            }
        }
    }

    /**
     * Why librbd may answer a write that is not with the cluster before a flush: the settings that
     * say so; null where it never does. The broker sets three of them, each of which alone keeps
     * writes from being answered early ({@link CephStore}), so that it takes all three elsewhere.
     * Values that are not understood count as the worse.
     *
     * <p>A cache that holds no such writes is left to who has set it.
     */
    String heldWritesBy(ImageSpec spec) {
        Setting cache = settings.get(CACHE);
        Setting policy = settings.get(CACHE_POLICY);
        Setting maxDirty = settings.get(CACHE_MAX_DIRTY);
        boolean holdsWrites =
                cache != null
                        && !cache.isOff()
                        && (policy == null || !policy.value().strip().equals("writethrough"))
                        && (maxDirty == null || !maxDirty.value().strip().equals("0"));
        return holdsWrites
                ? describe(spec, cache) + describe(spec, policy) + describe(spec, maxDirty)
                : null;
    }

    /**
     * Refuses what would take a promise from those who use the image.
     *
     * <ul>
     *   <li>Writes that librbd does not copy: their program may change the bytes while they are
     *       sent, which breaks the connection's checksums, and with them the connection that others
     *       share.
     *   <li>A cache on a disk of this host, to which a flush would bring writes instead of to the
     *       cluster.
     * </ul>
     *
     * @throws ErrnoException EOPNOTSUPP, in one line that names the setting and where it is set.
     */
    void check(ImageSpec spec) throws ErrnoException {
        Setting copies = settings.get(COPIES_WRITES);
        if (copies != null && copies.isOff()) {
            throw refused(spec, copies, "programs could change writes while they are sent");
        }
        Setting plugins = settings.get(PLUGINS);
        Setting mode = settings.get(LOCAL_CACHE);
        if (plugins != null
                && plugins.value().contains("pwl_cache")
                && mode != null
                && !mode.value().strip().equals("disabled")) {
            throw refused(spec, mode, "a flush would bring writes to a disk of this host only");
        }
    }

    private static ErrnoException refused(ImageSpec spec, Setting setting, String why) {
        return new ErrnoException(
                Errno.EOPNOTSUPP,
                "image "
                        + spec
                        + " is not opened with "
                        + setting.describe(spec)
                        + ", as "
                        + why
                        + "; take that back"
                        + setting.undo(spec));
    }

    private static String describe(ImageSpec spec, Setting setting) {
        if (setting == null) {
            return "";
        }
        return (setting.name().equals(CACHE) ? "" : ", ") + setting.describe(spec);
    }

    private static List<Setting> read(MemorySegment options, int count) {
        return options.asSlice(0, count * OPTION.byteSize())
                .elements(OPTION)
                .map(
                        option ->
                                new Setting(
                                        text((MemorySegment) NAME.get(option, 0L)),
                                        text((MemorySegment) VALUE.get(option, 0L)),
                                        (int) SOURCE.get(option, 0L)))
                .toList();
    }

    private static String text(MemorySegment pointer) {
        return pointer.reinterpret(Long.MAX_VALUE).getString(0, StandardCharsets.UTF_8);
    }

    private static VarHandle field(String name) {
        return OPTION.varHandle(MemoryLayout.PathElement.groupElement(name));
    }
}
