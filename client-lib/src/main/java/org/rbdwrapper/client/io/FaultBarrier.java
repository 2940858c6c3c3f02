package org.rbdwrapper.client.io;

import org.agrona.UnsafeApi;

import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;

/**
 * Where the error of a copy is thrown whose mapped file has become shorter: the JVM notes it and
 * throws it at some later point of compiled code, which would be another operation's. A return from
 * native code is such a point for certain.
 */
final class FaultBarrier {
    private static final Object MONITOR = new Object();

    /** Of the field that only buffers of files have set; it cannot be asked for otherwise. */
    private static final long FILE_OFFSET = fileOffset();

    private static final long UNKNOWN = -1;

    private FaultBarrier() {}

    /**
     * @param copied to or from which a copy was made.
     */
    static void pass(ByteBuffer copied) {
        if (copied.isDirect() && mayBeMapped(copied)) {
            Thread.holdsLock(MONITOR);
        }
    }

    /** As Agrona reads a buffer's address: by its place in the object. Allocates nothing. */
    private static boolean mayBeMapped(ByteBuffer direct) {
        return FILE_OFFSET == UNKNOWN || UnsafeApi.getReference(direct, FILE_OFFSET) != null;
    }

    private static long fileOffset() {
        try {
            return UnsafeApi.objectFieldOffset(MappedByteBuffer.class.getDeclaredField("fd"));
        } catch (NoSuchFieldException e) {
            return UNKNOWN; // each direct buffer passes the barrier
        }
    }
}
