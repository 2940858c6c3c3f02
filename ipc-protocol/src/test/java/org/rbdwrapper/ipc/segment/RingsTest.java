package org.rbdwrapper.ipc.segment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.codec.IoRequestDecoder;
import org.rbdwrapper.ipc.codec.IoResponseDecoder;
import org.rbdwrapper.ipc.segment.RequestRingReader.Poll;

import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;

final class RingsTest {
    private static final int DEPTH = 8;

    private final UnsafeBuffer requests =
            new UnsafeBuffer(ByteBuffer.allocateDirect(DEPTH * SegmentDescriptor.REQUEST_LENGTH));
    private final UnsafeBuffer responses =
            new UnsafeBuffer(ByteBuffer.allocateDirect(DEPTH * SegmentDescriptor.RESPONSE_LENGTH));
    private final RequestRingWriter writer = new RequestRingWriter(requests, DEPTH);
    private final RequestRingReader reader = new RequestRingReader(requests, DEPTH);

    @Test
    void shouldDeliverRequestsInOrderOverManyLaps() {
        for (long i = 0; i < 10 * DEPTH; i++) {
            assertEquals(Poll.EMPTY, reader.poll());
            assertFalse(reader.hasNext());
            writer.write(i, (int) i + 1, IoOp.WRITE, i * 4096, i + 7, (int) i);
            assertTrue(reader.hasNext());
            assertEquals(Poll.REQUEST, reader.poll());
            IoRequestDecoder request = reader.request();
            assertEquals(i, request.correlationId());
            assertEquals(i + 1, request.handle());
            assertEquals(IoOp.WRITE, request.op());
            assertEquals(i * 4096, request.position());
            assertEquals(i + 7, request.length());
            assertEquals(i, request.arenaOffset());
        }
    }

    @Test
    void shouldHoldAsManyRequestsAsItIsDeep() {
        for (int lap = 0; lap < 3; lap++) {
            for (int i = 0; i < DEPTH; i++) {
                writer.write(i, 1, IoOp.READ, 0, 0, 0);
            }
            for (int i = 0; i < DEPTH; i++) {
                assertEquals(Poll.REQUEST, reader.poll());
                assertEquals(i, reader.request().correlationId());
            }
            assertEquals(Poll.EMPTY, reader.poll());
        }
    }

    @Test
    void shouldNotSeeChangesAfterThePoll() {
        writer.write(5, 1, IoOp.READ, 100, 10, 0);
        assertEquals(Poll.REQUEST, reader.poll());
        requests.setMemory(0, requests.capacity(), (byte) 0xff);
        assertEquals(5, reader.request().correlationId());
        assertEquals(100, reader.request().position());
    }

    @Test
    void shouldReportSequenceThatCannotBe() {
        for (long sequence : new long[] {2, 9, -1, Long.MIN_VALUE, Long.MAX_VALUE}) {
            requests.putLong(0, sequence);
            RequestRingReader fresh = new RequestRingReader(requests, DEPTH);
            assertEquals(Poll.VIOLATION, fresh.poll(), "sequence " + sequence);
            assertTrue(fresh.violation().contains(Long.toString(sequence)), fresh.violation());
        }
    }

    @Test
    void shouldReportRewoundEntryOfAnEarlierLap() {
        for (int i = 0; i < 2 * DEPTH; i++) {
            writer.write(i, 1, IoOp.READ, 0, 0, 0);
            assertEquals(Poll.REQUEST, reader.poll());
        }
        requests.putLong(0, 1); // of the first lap, where the second's belongs
        assertEquals(Poll.VIOLATION, reader.poll());
    }

    @Test
    void shouldReportHeaderOfAnotherMessage() {
        for (int field = 0; field < 6; field += 2) {
            UnsafeBuffer ring = new UnsafeBuffer(ByteBuffer.allocateDirect(requests.capacity()));
            new RequestRingWriter(ring, DEPTH).write(0, 1, IoOp.READ, 0, 0, 0);
            ring.putShort(SegmentDescriptor.MESSAGE_OFFSET + field, (short) 7);
            assertEquals(
                    Poll.VIOLATION, new RequestRingReader(ring, DEPTH).poll(), "field " + field);
        }
    }

    @Test
    void shouldDeliverEachResponseOfManyWritersOnce() throws Exception {
        int writers = 4;
        int each = 50_000;
        ResponseRingWriter all = new ResponseRingWriter(responses, DEPTH);
        ResponseRingReader client = new ResponseRingReader(responses, DEPTH);
        // as in the broker: no more unread responses than the ring is deep
        java.util.concurrent.Semaphore inFlight = new java.util.concurrent.Semaphore(DEPTH);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        for (int w = 0; w < writers; w++) {
            int first = w * each;
            Thread.startVirtualThread(
                    () -> {
                        try {
                            for (int i = 0; i < each; i++) {
                                inFlight.acquire();
                                all.write(first + i, -(first + i));
                            }
                        } catch (Throwable t) {
                            failure.set(t);
                        }
                    });
        }
        Set<Long> seen = new HashSet<>();
        while (seen.size() < writers * each && failure.get() == null) {
            IoResponseDecoder response = client.poll();
            if (response == null) {
                Thread.onSpinWait();
                continue;
            }
            assertEquals(-response.correlationId(), response.result());
            assertTrue(seen.add(response.correlationId()));
            inFlight.release();
        }
        assertNull(failure.get());
        assertNull(client.poll());
    }
}
