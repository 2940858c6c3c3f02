package org.rbdwrapper.client.nativelib;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.rbdwrapper.ipc.ProtocolVersion;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.codec.IoRequestDecoder;
import org.rbdwrapper.ipc.segment.RequestRingReader;
import org.rbdwrapper.ipc.segment.RequestRingWriter;
import org.rbdwrapper.ipc.segment.ResponseRingWriter;
import org.rbdwrapper.ipc.segment.SegmentDescriptor;
import org.rbdwrapper.ipc.segment.SegmentGeometry;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** SegmentDescriptor.java and rbdw_segment.h describe the same bytes. */
final class LayoutOfJavaAndCTest {
    private static final Path NOWHERE = Path.of("/nonexistent");
    private static final SegmentGeometry GEOMETRY = new SegmentGeometry(3, 64, 1024 * 1024);
    private static final int PIECE = 256 * 1024;

    @Test
    void shouldHaveTheSameLayoutInCAndJava() throws Exception {
        Map<String, Long> java = new TreeMap<>();
        for (Field field : SegmentDescriptor.class.getDeclaredFields()) {
            if (Modifier.isStatic(field.getModifiers())
                    && Modifier.isPublic(field.getModifiers())) {
                java.put(field.getName(), ((Number) field.get(null)).longValue());
            }
        }
        java.put("PROTOCOL_MAJOR", (long) ProtocolVersion.MAJOR);
        java.put("PROTOCOL_MINOR", (long) ProtocolVersion.MINOR);
        java.put("geometry.channels", (long) GEOMETRY.channels());
        java.put("geometry.depth", (long) GEOMETRY.depth());
        java.put("geometry.arenaLength", (long) GEOMETRY.arenaLength());
        java.put("geometry.requestRingLength", (long) GEOMETRY.requestRingLength());
        java.put("geometry.responseRingLength", (long) GEOMETRY.responseRingLength());
        java.put("geometry.responseRingOffset", (long) GEOMETRY.responseRingOffset());
        java.put("geometry.arenaOffset", (long) GEOMETRY.arenaOffset());
        java.put("geometry.channelStride", (long) GEOMETRY.channelStride());
        java.put("geometry.channelOffset2", GEOMETRY.channelOffset(2));
        java.put("geometry.segmentLength", GEOMETRY.segmentLength());

        Map<String, Long> c =
                NativeProgram.run(NOWHERE, "layout_check")
                        .expectSuccess()
                        .text()
                        .lines()
                        .map(line -> line.split("=", 2))
                        .collect(
                                Collectors.toMap(
                                        part -> part[0],
                                        part -> Long.parseUnsignedLong(part[1]),
                                        (a, b) -> a,
                                        TreeMap::new));
        assertEquals(java, c);
    }

    @Test
    void shouldWriteTheSameRequestInCAndJava() throws Exception {
        long correlationId = 0x1234_5678_9abcL << 16 | 2;
        UnsafeBuffer ring = ring(GEOMETRY.requestRingLength());
        new RequestRingWriter(ring)
                .write(
                        correlationId,
                        0x8000_0001,
                        IoOp.WRITE_ZEROES,
                        1L << 40,
                        Long.MAX_VALUE,
                        2 * PIECE);
        byte[] java = new byte[SegmentDescriptor.REQUEST_LENGTH];
        ring.getBytes(0, java);

        assertArrayEquals(
                java, request(correlationId, 0x8000_0001L, IoOp.WRITE_ZEROES, Long.MAX_VALUE));
    }

    /** But for the head, and its copy, which the reader has moved here and nobody there. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 63, 64, 126, 127, 128, 129, 1000})
    void shouldLeaveTheSameRingInCAndJava(int count) throws Exception {
        UnsafeBuffer ring = ring(GEOMETRY.requestRingLength());
        RequestRingWriter writer = new RequestRingWriter(ring);
        RequestRingReader reader = new RequestRingReader(ring);
        for (long i = 0; i < count; i++) {
            long correlationId = i << 16 | i % GEOMETRY.depth();
            writer.write(correlationId, 7, IoOp.READ, i * 4096, 4096, 0);
            assertEquals(RequestRingReader.Poll.REQUEST, reader.poll());
        }
        int trailer = ring.capacity() - SegmentDescriptor.TRAILER_LENGTH;
        ring.putLong(trailer + SegmentDescriptor.HEAD_OFFSET, 0);
        ring.putLong(trailer + SegmentDescriptor.HEAD_CACHE_OFFSET, 0);
        byte[] java = new byte[ring.capacity()];
        ring.getBytes(0, java);
        assertArrayEquals(
                java,
                NativeProgram.run(NOWHERE, "layout_check", "ring", Integer.toString(count))
                        .expectSuccess()
                        .output());
    }

    @Test
    void shouldReadInJavaTheRequestThatCWrote() throws Exception {
        UnsafeBuffer ring = ring(GEOMETRY.requestRingLength());
        ring.putBytes(0, request(7L << 16 | 2, 5, IoOp.READ, 4096));
        RequestRingReader reader = new RequestRingReader(ring);
        assertEquals(RequestRingReader.Poll.REQUEST, reader.poll());
        IoRequestDecoder request = reader.request();
        assertEquals(7L << 16 | 2, request.correlationId());
        assertEquals(5, request.handle());
        assertEquals(IoOp.READ, request.op());
        assertEquals(1L << 40, request.position());
        assertEquals(4096, request.length());
        assertEquals(2 * PIECE, request.arenaOffset());
        assertEquals(RequestRingReader.Poll.EMPTY, reader.poll());
    }

    @Test
    void shouldReadInCTheResponseThatJavaWrote() throws Exception {
        assertEquals("-28\n", resultInC(0, -28));
        assertEquals("9223372036854775807\n", resultInC(0, Long.MAX_VALUE));
        assertEquals("to nothing\n", resultInC(1, 0), "a tag that is not in flight");
        assertEquals("to nothing\n", resultInC(1L << 16, 0), "an earlier use of the tag");
    }

    private static byte[] request(long correlationId, long handle, IoOp op, long length)
            throws Exception {
        return NativeProgram.run(
                        NOWHERE,
                        "layout_check",
                        "request",
                        Long.toString(correlationId),
                        Long.toString(handle),
                        Integer.toString(op.value()),
                        Long.toString(1L << 40),
                        Long.toString(length),
                        "2")
                .expectSuccess()
                .output();
    }

    private static String resultInC(long correlationId, long result) throws Exception {
        UnsafeBuffer ring = ring(GEOMETRY.responseRingLength());
        new ResponseRingWriter(ring).write(correlationId, result);
        byte[] bytes = new byte[ring.capacity()];
        ring.getBytes(0, bytes);
        return NativeProgram.run(NOWHERE, bytes, "layout_check", "response").expectSuccess().text();
    }

    private static UnsafeBuffer ring(int length) {
        return new UnsafeBuffer(ByteBuffer.allocateDirect(length));
    }
}
