package org.rbdwrapper.broker.store.ceph;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * What rados-java lacks of librados: who a client is, and the blocklist. The signatures are those
 * of librados.h, pointers as numbers.
 *
 * <p>Any thread. Loaded with the first Ceph store, as {@link LibRbd}.
 */
final class LibRados {
    private static final SymbolLookup RADOS =
            SymbolLookup.libraryLookup("librados.so.2", Arena.global());
    private static final MethodHandle GET_ADDRESSES =
            function("rados_getaddrs", JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle FREE =
            Linker.nativeLinker()
                    .downcallHandle(
                            RADOS.findOrThrow("rados_buffer_free"),
                            FunctionDescriptor.ofVoid(JAVA_LONG));
    private static final MethodHandle GET_CLIENT =
            function("rados_get_instance_id", JAVA_LONG, JAVA_LONG);
    private static final MethodHandle GET_CLUSTER =
            function("rados_cluster_fsid", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle BLOCKLIST_ADD =
            function("rados_blocklist_add", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle AWAIT_LATEST_MAP =
            function("rados_wait_for_latest_osdmap", JAVA_INT, JAVA_LONG);

    private static final MethodHandle EXECUTE =
            function(
                    "rados_exec",
                    JAVA_INT,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG);

    private static final ValueLayout.OfInt TIME_PART = JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Seconds and nanoseconds. */
    private static final int ENCODED_TIME = 8;

    private LibRados() {}

    /**
     * When an image was changed, as its header has it now, by whomever: nanoseconds since the
     * epoch. An image that is open does not follow that. Blocks.
     */
    static long modifiedAtNanos(long ioctx, String imageId) throws CephCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocate(ENCODED_TIME);
            int result =
                    (int)
                            EXECUTE.invokeExact(
                                    ioctx,
                                    arena.allocateFrom("rbd_header." + imageId).address(),
                                    arena.allocateFrom("rbd").address(),
                                    arena.allocateFrom("get_modify_timestamp").address(),
                                    0L,
                                    0L,
                                    time.address(),
                                    time.byteSize());
            CephCallException.check(result, "get_modify_timestamp");
            if (result < ENCODED_TIME) {
                throw new CephCallException("get_modify_timestamp", result);
            }
            return Integer.toUnsignedLong(time.get(TIME_PART, 0)) * 1_000_000_000L
                    + Integer.toUnsignedLong(time.get(TIME_PART, Integer.BYTES));
        } catch (CephCallException e) {
            throw e;
        } catch (Throwable t) {
            throw LibRbd.unexpected(t);
        }
    }

    /** The connected client's number in its cluster. */
    static long clientNumber(long cluster) {
        try {
            return (long) GET_CLIENT.invokeExact(cluster);
        } catch (Throwable t) {
            throw LibRbd.unexpected(t);
        }
    }

    /** The connected client's address: IP:0/NONCE. */
    static String clientAddress(long cluster) throws CephCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(ADDRESS);
            CephCallException.check(
                    (int) GET_ADDRESSES.invokeExact(cluster, text.address()), "rados_getaddrs");
            MemorySegment found = text.get(ADDRESS, 0);
            String address =
                    found.reinterpret(Long.MAX_VALUE).getString(0, StandardCharsets.US_ASCII);
            FREE.invokeExact(found.address());
            return address;
        } catch (CephCallException e) {
            throw e;
        } catch (Throwable t) {
            throw LibRbd.unexpected(t);
        }
    }

    /** The cluster's fsid. */
    static String clusterId(long cluster) throws CephCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(64);
            CephCallException.check(
                    (int) GET_CLUSTER.invokeExact(cluster, text.address(), text.byteSize()),
                    "rados_cluster_fsid");
            return text.getString(0, StandardCharsets.US_ASCII);
        } catch (CephCallException e) {
            throw e;
        } catch (Throwable t) {
            throw LibRbd.unexpected(t);
        }
    }

    /**
     * Blocks until the monitors have it.
     *
     * @param seconds 0: as long as the cluster's mon_osd_blocklist_default_expire says.
     */
    static void blocklist(long cluster, String address, int seconds) throws CephCallException {
        try (Arena arena = Arena.ofConfined()) {
            int result =
                    (int)
                            BLOCKLIST_ADD.invokeExact(
                                    cluster, arena.allocateFrom(address).address(), seconds);
            CephCallException.check(result, "rados_blocklist_add");
        } catch (CephCallException e) {
            throw e;
        } catch (Throwable t) {
            throw LibRbd.unexpected(t);
        }
    }

    /** Blocks until this client has the newest map that the monitors have. */
    static void awaitLatestMap(long cluster) throws CephCallException {
        try {
            CephCallException.check(
                    (int) AWAIT_LATEST_MAP.invokeExact(cluster), "rados_wait_for_latest_osdmap");
        } catch (CephCallException e) {
            throw e;
        } catch (Throwable t) {
            throw LibRbd.unexpected(t);
        }
    }

    private static MethodHandle function(
            String name, MemoryLayout result, MemoryLayout... parameters) {
        return Linker.nativeLinker()
                .downcallHandle(RADOS.findOrThrow(name), FunctionDescriptor.of(result, parameters));
    }
}
