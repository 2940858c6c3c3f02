package org.rbdwrapper.broker.store.ceph;

import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import org.rbdwrapper.broker.store.ProgressListener;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;

/**
 * What rados-java lacks of librbd and librados: the asynchronous calls of the data path, progress,
 * identities, namespaces. The signatures are those of librbd.h and librados.h, pointers as numbers:
 * they act on the handles that rados-java has.
 *
 * <p>Any thread. Loaded when the first Ceph store is opened, not before: a host without Ceph has no
 * librbd.
 */
final class LibRbd {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup RBD =
            SymbolLookup.libraryLookup("librbd.so.1", Arena.global());
    private static final SymbolLookup RADOS =
            SymbolLookup.libraryLookup("librados.so.2", Arena.global());
    private static final Linker.Option QUICK = Linker.Option.critical(false);

    private static final MethodHandle CREATE_COMPLETION =
            rbd("rbd_aio_create_completion", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle RELEASE =
            LINKER.downcallHandle(
                    RBD.findOrThrow("rbd_aio_release"), FunctionDescriptor.ofVoid(JAVA_LONG));
    private static final MethodHandle RETURN_VALUE =
            LINKER.downcallHandle(
                    RBD.findOrThrow("rbd_aio_get_return_value"),
                    FunctionDescriptor.of(JAVA_LONG, JAVA_LONG),
                    QUICK);
    private static final MethodHandle AIO_READ =
            rbd("rbd_aio_read", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle AIO_WRITE =
            rbd("rbd_aio_write", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle AIO_DISCARD =
            rbd("rbd_aio_discard", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle AIO_WRITE_ZEROES =
            rbd(
                    "rbd_aio_write_zeroes",
                    JAVA_INT,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_INT,
                    JAVA_INT);
    private static final MethodHandle AIO_FLUSH =
            rbd("rbd_aio_flush", JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle GET_ID =
            rbd("rbd_get_id", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle GET_PREFIX =
            rbd("rbd_get_block_name_prefix", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle GET_FEATURES =
            rbd("rbd_get_features", JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle GET_STRIPE_COUNT =
            rbd("rbd_get_stripe_count", JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle GET_CREATED =
            rbd("rbd_get_create_timestamp", JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle GET_MODIFIED =
            rbd("rbd_get_modify_timestamp", JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle GET_ACCESSED =
            rbd("rbd_get_access_timestamp", JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle GET_SNAP_CREATED =
            rbd("rbd_snap_get_timestamp", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle RESIZE =
            rbd("rbd_resize2", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_BOOLEAN, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle REMOVE =
            rbd("rbd_remove_with_progress", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle UPDATE_WATCH =
            rbd("rbd_update_watch", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle UPDATE_UNWATCH =
            rbd("rbd_update_unwatch", JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle NAMESPACE_EXISTS =
            rbd("rbd_namespace_exists", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle OPEN_BY_ID =
            rbd("rbd_open_by_id", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle OPEN_BY_ID_READ_ONLY =
            rbd("rbd_open_by_id_read_only", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle SNAP_GET_ID =
            rbd("rbd_snap_get_id", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle SNAP_SET_BY_ID =
            rbd("rbd_snap_set_by_id", JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle TRASH_GET =
            rbd("rbd_trash_get", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle TRASH_FREE =
            LINKER.downcallHandle(
                    RBD.findOrThrow("rbd_trash_get_cleanup"), FunctionDescriptor.ofVoid(JAVA_LONG));
    private static final MethodHandle LIST_SETTINGS =
            rbd("rbd_config_image_list", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle FREE_SETTINGS =
            LINKER.downcallHandle(
                    RBD.findOrThrow("rbd_config_image_list_cleanup"),
                    FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_INT));
    private static final MethodHandle CONF_READ_FILE =
            LINKER.downcallHandle(
                    RADOS.findOrThrow("rados_conf_read_file"),
                    FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));

    /** Of rbd_trash_image_info_t: two strings, a source, two times. */
    private static final int TRASH_INFO_LENGTH = 40;

    private LibRbd() {}

    /**
     * Loads the libraries, if that has not been done; fails by the class's own failure to
     * initialize.
     */
    static void load() {
        RBD.findOrThrow("rbd_open");
    }

    /**
     * Hot path. A completion whose callback is called with {@code argument}.
     *
     * @param pointerToCompletion eight bytes that receive it.
     */
    static int createCompletion(long argument, long callback, long pointerToCompletion) {
        try {
            return (int) CREATE_COMPLETION.invokeExact(argument, callback, pointerToCompletion);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** Hot path. */
    static void release(long completion) {
        try {
            RELEASE.invokeExact(completion);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** Hot path: what the finished request returned. */
    static long returnValue(long completion) {
        try {
            return (long) RETURN_VALUE.invokeExact(completion);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** Hot path. 0, or a negative error number: then the completion's callback is not called. */
    static int read(long image, long position, long length, long address, long completion) {
        try {
            return (int) AIO_READ.invokeExact(image, position, length, address, completion);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** Hot path. */
    static int write(long image, long position, long length, long address, long completion) {
        try {
            return (int) AIO_WRITE.invokeExact(image, position, length, address, completion);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int discard(long image, long position, long length, long completion) {
        try {
            return (int) AIO_DISCARD.invokeExact(image, position, length, completion);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int writeZeroes(long image, long position, long length, long completion) {
        try {
            return (int) AIO_WRITE_ZEROES.invokeExact(image, position, length, completion, 0, 0);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int flush(long image, long completion) {
        try {
            return (int) AIO_FLUSH.invokeExact(image, completion);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** Reads the configuration from Ceph's usual places. */
    static int readDefaultConfiguration(long cluster) {
        try {
            return (int) CONF_READ_FILE.invokeExact(cluster, 0L);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static String imageId(long image) throws CephCallException {
        return string(GET_ID, "rbd_get_id", image);
    }

    static String blockNamePrefix(long image) throws CephCallException {
        return string(GET_PREFIX, "rbd_get_block_name_prefix", image);
    }

    static long features(long image) throws CephCallException {
        return number(GET_FEATURES, "rbd_get_features", image);
    }

    /** Objects that an image is striped over; 1: it is not. */
    static long stripeCount(long image) throws CephCallException {
        return number(GET_STRIPE_COUNT, "rbd_get_stripe_count", image);
    }

    private static long number(MethodHandle function, String name, long image)
            throws CephCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(JAVA_LONG);
            CephCallException.check(invoke(function, image, value.address()), name);
            return value.get(JAVA_LONG, 0);
        }
    }

    /** Nanoseconds since the epoch. */
    static long createdAtNanos(long image) throws CephCallException {
        return time(GET_CREATED, "rbd_get_create_timestamp", image);
    }

    /**
     * Nanoseconds since the epoch: as the header had it when the image was opened, or when this
     * handle has updated that.
     */
    static long modifiedAtNanos(long image) throws CephCallException {
        return time(GET_MODIFIED, "rbd_get_modify_timestamp", image);
    }

    /** As {@link #modifiedAtNanos}, of reading. */
    static long accessedAtNanos(long image) throws CephCallException {
        return time(GET_ACCESSED, "rbd_get_access_timestamp", image);
    }

    /** Nanoseconds since the epoch. */
    static long snapshotCreatedAtNanos(long image, long snapshot) throws CephCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment timespec = arena.allocate(JAVA_LONG, 2);
            int result = (int) GET_SNAP_CREATED.invokeExact(image, snapshot, timespec.address());
            CephCallException.check(result, "rbd_snap_get_timestamp");
            return nanos(timespec);
        } catch (CephCallException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static long time(MethodHandle function, String name, long image)
            throws CephCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment timespec = arena.allocate(JAVA_LONG, 2);
            CephCallException.check(invoke(function, image, timespec.address()), name);
            return nanos(timespec);
        }
    }

    private static long nanos(MemorySegment timespec) {
        return timespec.getAtIndex(JAVA_LONG, 0) * 1_000_000_000L
                + timespec.getAtIndex(JAVA_LONG, 1);
    }

    static void resize(long image, long size, boolean allowShrink, ProgressListener progress)
            throws CephCallException {
        try (Arena arena = Arena.ofConfined()) {
            long callback = ProgressUpcall.stub(progress, arena);
            int result = (int) RESIZE.invokeExact(image, size, allowShrink, callback, 0L);
            CephCallException.check(result, "rbd_resize2");
        } catch (CephCallException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static void remove(long ioctx, String image, ProgressListener progress)
            throws CephCallException {
        try (Arena arena = Arena.ofConfined()) {
            long callback = ProgressUpcall.stub(progress, arena);
            int result =
                    (int)
                            REMOVE.invokeExact(
                                    ioctx, arena.allocateFrom(image).address(), callback, 0L);
            CephCallException.check(result, "rbd_remove_with_progress");
        } catch (CephCallException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** False, too, where the key may not ask. */
    static boolean namespaceIsMissing(long ioctx, String namespace) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment exists = arena.allocate(JAVA_BOOLEAN);
            int result =
                    (int)
                            NAMESPACE_EXISTS.invokeExact(
                                    ioctx,
                                    arena.allocateFrom(namespace).address(),
                                    exists.address());
            return result == 0 && !exists.get(JAVA_BOOLEAN, 0);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** Calls {@code callback(argument)} after the image's header has changed; returns the watch. */
    static long watch(long image, long callback, long argument) throws CephCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment handle = arena.allocate(JAVA_LONG);
            int result =
                    (int) UPDATE_WATCH.invokeExact(image, handle.address(), callback, argument);
            CephCallException.check(result, "rbd_update_watch");
            return handle.get(JAVA_LONG, 0);
        } catch (CephCallException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static void unwatch(long image, long watch) throws CephCallException {
        CephCallException.check(invoke(UPDATE_UNWATCH, image, watch), "rbd_update_unwatch");
    }

    /** The image of this identity, wherever its name has gone; also one that is in the trash. */
    static long openById(long ioctx, String id, boolean readOnly) throws CephCallException {
        MethodHandle open = readOnly ? OPEN_BY_ID_READ_ONLY : OPEN_BY_ID;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment image = arena.allocate(JAVA_LONG);
            int result =
                    (int)
                            open.invokeExact(
                                    ioctx, arena.allocateFrom(id).address(), image.address(), 0L);
            CephCallException.check(result, "rbd_open_by_id");
            return image.get(JAVA_LONG, 0);
        } catch (CephCallException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** The identity of a snapshot, which outlives its name. */
    static long snapshotId(long image, String name) throws CephCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment id = arena.allocate(JAVA_LONG);
            int result =
                    (int)
                            SNAP_GET_ID.invokeExact(
                                    image, arena.allocateFrom(name).address(), id.address());
            CephCallException.check(result, "rbd_snap_get_id");
            return id.get(JAVA_LONG, 0);
        } catch (CephCallException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** From now on the image's handle reads this snapshot. */
    static void setSnapshot(long image, long snapshotId) throws CephCallException {
        CephCallException.check(invoke(SNAP_SET_BY_ID, image, snapshotId), "rbd_snap_set_by_id");
    }

    /** Whether it was moved to the trash; false, too, where that cannot be known. */
    static boolean isInTrash(long ioctx, String id) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(TRASH_INFO_LENGTH, Long.BYTES);
            int result =
                    (int)
                            TRASH_GET.invokeExact(
                                    ioctx, arena.allocateFrom(id).address(), info.address());
            if (result < 0) {
                return false;
            }
            TRASH_FREE.invokeExact(info.address());
            return true;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /**
     * What {@code rbd config image list} shows.
     *
     * @param options an array of rbd_config_option_t, whose strings are librbd's: see {@link
     *     #freeSettings}.
     * @param count of an int: how many it has room for, and then how many there are.
     * @return 0, or a negative error number: ERANGE where there are more.
     */
    static int listSettings(long image, long options, long count) {
        try {
            return (int) LIST_SETTINGS.invokeExact(image, options, count);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static void freeSettings(long options, int count) {
        try {
            FREE_SETTINGS.invokeExact(options, count);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static String string(MethodHandle function, String name, long image)
            throws CephCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(1024);
            int result = (int) function.invokeExact(image, text.address(), text.byteSize());
            CephCallException.check(result, name);
            return text.getString(0, StandardCharsets.UTF_8);
        } catch (CephCallException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static int invoke(MethodHandle function, long first, long second) {
        try {
            return (int) function.invokeExact(first, second);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static MethodHandle rbd(String name, MemoryLayout result, MemoryLayout... parameters) {
        return LINKER.downcallHandle(
                RBD.findOrThrow(name), FunctionDescriptor.of(result, parameters));
    }

    static AssertionError unexpected(Throwable thrown) {
        if (thrown instanceof Error error) {
            throw error;
        }
        return new AssertionError(thrown);
    }
}
