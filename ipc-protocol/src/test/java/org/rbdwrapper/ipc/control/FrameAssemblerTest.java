package org.rbdwrapper.ipc.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.MessageHeaderDecoder;
import org.rbdwrapper.ipc.codec.UnmapImageDecoder;
import org.rbdwrapper.ipc.codec.UnmapImageEncoder;

import java.lang.foreign.MemorySegment;

final class FrameAssemblerTest {
    @Test
    void shouldPutFramesTogetherFromPiecesOfAnyLength() throws Exception {
        byte[] first = frame(1, "/rbdw/one");
        byte[] second = frame(2, "x".repeat(5000));
        byte[] both = new byte[first.length + second.length];
        System.arraycopy(first, 0, both, 0, first.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        for (int piece : new int[] {1, 3, 7, 100, 4096, both.length}) {
            FrameAssembler assembler = new FrameAssembler(10_000);
            int seen = 0;
            for (int start = 0; start < both.length; start += piece) {
                append(
                        assembler,
                        java.util.Arrays.copyOfRange(
                                both, start, Math.min(both.length, start + piece)));
                UnsafeBuffer message;
                while ((message = assembler.next()) != null) {
                    seen++;
                    UnmapImageDecoder unmap =
                            new UnmapImageDecoder()
                                    .wrapAndApplyHeader(message, 0, new MessageHeaderDecoder());
                    assertEquals(seen, unmap.correlationId());
                    assertEquals(seen == 1 ? "/rbdw/one" : "x".repeat(5000), unmap.target());
                }
            }
            assertEquals(2, seen, "pieces of " + piece);
            assertNull(assembler.next());
        }
    }

    @Test
    void shouldRefuseLengthsBeforeAnythingIsAllocated() {
        for (int length : new int[] {0, 7, -1, Integer.MIN_VALUE, Integer.MAX_VALUE, 10_001}) {
            FrameAssembler assembler = new FrameAssembler(10_000);
            byte[] bytes = new byte[4];
            new UnsafeBuffer(bytes).putInt(0, length, java.nio.ByteOrder.LITTLE_ENDIAN);
            append(assembler, bytes);
            ErrnoException refused =
                    assertThrows(ErrnoException.class, assembler::next, "length " + length);
            assertEquals(Errno.EPROTO, refused.errno());
        }
    }

    private static void append(FrameAssembler assembler, byte[] bytes) {
        assembler.append(MemorySegment.ofArray(bytes), bytes.length);
    }

    private static byte[] frame(long correlationId, String target) {
        FrameBuffer frame = new FrameBuffer();
        UnmapImageEncoder message = new UnmapImageEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .correlationId(correlationId)
                .target(target);
        return frame.finish(message.encodedLength()).toBytes();
    }
}
