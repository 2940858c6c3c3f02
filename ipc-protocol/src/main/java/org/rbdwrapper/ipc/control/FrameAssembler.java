package org.rbdwrapper.ipc.control;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.MessageHeaderDecoder;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Puts frames together again from what a socket delivers piece by piece. What comes may be hostile:
 * a length is checked before anything is allocated for it. One thread.
 */
public final class FrameAssembler {
    private static final int INITIAL_LENGTH = 1024;

    /** More than that is given back when it is empty. */
    private static final int LENGTH_KEPT = 64 * 1024;

    private final int maxFrame;
    private final UnsafeBuffer message = new UnsafeBuffer(0, 0);
    private byte[] bytes = new byte[INITIAL_LENGTH];
    private int start;
    private int end;

    /**
     * @param maxFrame the longest message that is accepted, in bytes.
     */
    public FrameAssembler(int maxFrame) {
        this.maxFrame = maxFrame;
    }

    /** Adds what was received. */
    public void append(MemorySegment received, int length) {
        reserve(length);
        MemorySegment.copy(received, ValueLayout.JAVA_BYTE, 0, bytes, end, length);
        end += length;
    }

    /** Adds what was received: the array's first bytes. */
    public void append(byte[] received, int length) {
        reserve(length);
        System.arraycopy(received, 0, bytes, end, length);
        end += length;
    }

    /** Bytes of memory that this takes beyond what each takes. */
    public int allocated() {
        return bytes.length - INITIAL_LENGTH;
    }

    /** Makes room for as many bytes, which {@link #append} then allocates nothing for. */
    void reserve(int length) {
        if (start == end && bytes.length > LENGTH_KEPT) {
            bytes = new byte[Math.max(length, INITIAL_LENGTH)];
            start = 0;
            end = 0;
        }
        if (start > 0) {
            System.arraycopy(bytes, start, bytes, 0, end - start);
            end -= start;
            start = 0;
        }
        if (bytes.length - end < length) {
            bytes = Arrays.copyOf(bytes, Math.max(end + length, bytes.length * 2));
        }
    }

    /** Whether there are bytes that {@link #next} has not returned: a message or a part of one. */
    public boolean hasMore() {
        return end > start;
    }

    /**
     * The next whole message, from its SBE header on, valid until the next {@link #append}; null
     * where more must come.
     *
     * @throws ErrnoException EPROTO where the length cannot be one.
     */
    public UnsafeBuffer next() throws ErrnoException {
        if (end - start < FrameBuffer.LENGTH_BYTES) {
            return null;
        }
        UnsafeBuffer all = message;
        all.wrap(bytes, start, end - start);
        int length = all.getInt(0, ByteOrder.LITTLE_ENDIAN);
        if (length < MessageHeaderDecoder.ENCODED_LENGTH || length > maxFrame) {
            throw new ErrnoException(
                    Errno.EPROTO,
                    "a frame of "
                            + Integer.toUnsignedString(length)
                            + " bytes (8 to "
                            + maxFrame
                            + " are accepted)");
        }
        if (end - start - FrameBuffer.LENGTH_BYTES < length) {
            return null;
        }
        all.wrap(bytes, start + FrameBuffer.LENGTH_BYTES, length);
        start += FrameBuffer.LENGTH_BYTES + length;
        return all;
    }
}
