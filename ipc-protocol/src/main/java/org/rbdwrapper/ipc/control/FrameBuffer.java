package org.rbdwrapper.ipc.control;

import org.agrona.ExpandableArrayBuffer;
import org.agrona.MutableDirectBuffer;
import org.rbdwrapper.ipc.codec.MessageHeaderDecoder;
import org.rbdwrapper.ipc.codec.MessageHeaderEncoder;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Where one message for the socket is put together.
 *
 * <pre>
 *   0          4            12
 *   +----------+------------+---------------------------+
 *   | length   | SBE header | block, groups, var data   |    length: bytes after it, at most MAX_FRAME
 *   | u32      | 8 bytes    |                           |
 *   +----------+------------+---------------------------+
 * </pre>
 *
 * <p>One thread. Used as {@code encoder.wrapAndApplyHeader(frame.buffer(),
 * FrameBuffer.MESSAGE_OFFSET, frame.header())}, then {@code frame.finish(encoder.encodedLength())}.
 */
public final class FrameBuffer {
    public static final int LENGTH_BYTES = 4;
    public static final int MESSAGE_OFFSET = LENGTH_BYTES;

    /** What a client may send: the longest message has three strings of at most 64 KiB. */
    public static final int MAX_CLIENT_FRAME = 256 * 1024;

    /** What a broker may send: a list of 65,534 entries must fit. */
    public static final int MAX_BROKER_FRAME = 64 * 1024 * 1024;

    private final ExpandableArrayBuffer buffer = new ExpandableArrayBuffer(512);
    private final MessageHeaderEncoder header = new MessageHeaderEncoder();
    private int length;

    public MutableDirectBuffer buffer() {
        return buffer;
    }

    public MessageHeaderEncoder header() {
        return header;
    }

    /** The message is complete. */
    public FrameBuffer finish(int encodedLength) {
        int messageLength = MessageHeaderDecoder.ENCODED_LENGTH + encodedLength;
        buffer.putInt(0, messageLength, java.nio.ByteOrder.LITTLE_ENDIAN);
        length = LENGTH_BYTES + messageLength;
        return this;
    }

    /** The frame's bytes, as native memory of the given arena. */
    public MemorySegment toNative(Arena arena) {
        MemorySegment copy = arena.allocate(length);
        MemorySegment.copy(buffer.byteArray(), 0, copy, ValueLayout.JAVA_BYTE, 0, length);
        return copy;
    }

    /** The frame's bytes, as a new array. */
    public byte[] toBytes() {
        return java.util.Arrays.copyOf(buffer.byteArray(), length);
    }
}
