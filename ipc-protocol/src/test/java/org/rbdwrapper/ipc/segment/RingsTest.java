package org.rbdwrapper.ipc.segment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.REQUEST_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.RESPONSE_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.TRAILER_LENGTH;

import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.ringbuffer.OneToOneRingBuffer;
import org.agrona.concurrent.ringbuffer.RecordDescriptor;
import org.agrona.concurrent.ringbuffer.RingBufferDescriptor;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.codec.IoRequestDecoder;
import org.rbdwrapper.ipc.codec.IoRequestEncoder;
import org.rbdwrapper.ipc.codec.IoResponseDecoder;
import org.rbdwrapper.ipc.segment.RequestRingReader.Poll;

import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;

final class RingsTest {
    private static final int DEPTH = 8;
    private static final SegmentGeometry GEOMETRY = new SegmentGeometry(1, DEPTH, 64 * 1024);

    private final UnsafeBuffer requests = ring(GEOMETRY.requestRingLength());
    private final UnsafeBuffer responses = ring(GEOMETRY.responseRingLength());
    private final RequestRingWriter writer = new RequestRingWriter(requests);
    private final RequestRingReader reader = new RequestRingReader(requests);
    private final ResponseRingWriter answers = new ResponseRingWriter(responses);
    private final ResponseRingReader client = new ResponseRingReader(responses);

    private static UnsafeBuffer ring(int length) {
        return new UnsafeBuffer(ByteBuffer.allocateDirect(length));
    }

    @Test
    void shouldLieWhereAgronaHasIt() {
        assertEquals(RecordDescriptor.HEADER_LENGTH, SegmentDescriptor.MESSAGE_OFFSET);
        assertEquals(RecordDescriptor.lengthOffset(0), SegmentDescriptor.LENGTH_OFFSET);
        assertEquals(RecordDescriptor.typeOffset(0), SegmentDescriptor.TYPE_OFFSET);
        assertEquals(0, REQUEST_LENGTH % RecordDescriptor.ALIGNMENT);
        assertEquals(0, RESPONSE_LENGTH % RecordDescriptor.ALIGNMENT);
        assertEquals(RingBufferDescriptor.TAIL_POSITION_OFFSET, SegmentDescriptor.TAIL_OFFSET);
        assertEquals(
                RingBufferDescriptor.HEAD_CACHE_POSITION_OFFSET,
                SegmentDescriptor.HEAD_CACHE_OFFSET);
        assertEquals(RingBufferDescriptor.HEAD_POSITION_OFFSET, SegmentDescriptor.HEAD_OFFSET);
        assertEquals(
                RingBufferDescriptor.CORRELATION_COUNTER_OFFSET,
                SegmentDescriptor.CORRELATION_OFFSET);
        assertEquals(
                RingBufferDescriptor.CONSUMER_HEARTBEAT_OFFSET, SegmentDescriptor.HEARTBEAT_OFFSET);
        assertEquals(RingBufferDescriptor.TRAILER_LENGTH, TRAILER_LENGTH);
    }

    @Test
    void shouldTakeEachMessageAtEveryDepth() {
        for (int depth = SegmentDescriptor.MIN_DEPTH;
                depth <= SegmentDescriptor.MAX_DEPTH;
                depth *= 2) {
            SegmentGeometry geometry = new SegmentGeometry(1, depth, 64 * 1024);
            RequestRingWriter one = new RequestRingWriter(ring(geometry.requestRingLength()));
            for (int i = 0; i < depth; i++) {
                one.write(i, 1, IoOp.READ, 0, 0, 0);
            }
            new ResponseRingReader(ring(geometry.responseRingLength())).poll();
        }
        assertThrows(
                IllegalArgumentException.class,
                () ->
                        new OneToOneRingBuffer(
                                        ring(
                                                SegmentDescriptor.MIN_DEPTH * REQUEST_LENGTH
                                                        + TRAILER_LENGTH))
                                .tryClaim(1, REQUEST_LENGTH - RecordDescriptor.HEADER_LENGTH),
                "half of it would do as well");
    }

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
        for (int lap = 0; lap < 5; lap++) {
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

    /**
     * As whoever was broken off when the ring had moved its tail, at whatever step of the claim.
     */
    @Test
    void shouldMakeUseOfWhatWasClaimedAndNotPublished() {
        Random random = new Random(1);
        for (long i = 0; i < 10 * DEPTH; i++) {
            int index = (int) (i % (2 * DEPTH)) * REQUEST_LENGTH;
            int steps = random.nextInt(4);
            if (steps > 0) {
                int tail = 2 * DEPTH * REQUEST_LENGTH + SegmentDescriptor.TAIL_OFFSET;
                requests.putLong(tail, (i + 1) * REQUEST_LENGTH);
            }
            if (steps > 1) {
                requests.putLong((index + REQUEST_LENGTH) % (2 * DEPTH * REQUEST_LENGTH), 0);
            }
            if (steps > 2) {
                requests.putInt(index, -REQUEST_LENGTH);
            }
            assertEquals(Poll.EMPTY, reader.poll());
            writer.write(i, 1, IoOp.READ, 0, 0, 0);
            assertEquals(Poll.REQUEST, reader.poll());
            assertEquals(i, reader.request().correlationId());
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
    void shouldReportLengthThatCannotBe() {
        for (int length : new int[] {1, 8, 63, 65, 128, Integer.MAX_VALUE}) {
            requests.putInt(0, length);
            RequestRingReader fresh = new RequestRingReader(requests);
            assertEquals(Poll.VIOLATION, fresh.poll(), "length " + length);
            assertTrue(fresh.violation().contains(Integer.toString(length)), fresh.violation());
        }
        for (int length : new int[] {0, -1, -REQUEST_LENGTH, Integer.MIN_VALUE}) {
            requests.putInt(0, length);
            assertEquals(Poll.EMPTY, new RequestRingReader(requests).poll(), "length " + length);
        }
    }

    @Test
    void shouldReportHeaderOfAnotherMessage() {
        for (int field = SegmentDescriptor.TYPE_OFFSET; field < 14; field += 2) {
            UnsafeBuffer ring = ring(requests.capacity());
            new RequestRingWriter(ring).write(0, 1, IoOp.READ, 0, 0, 0);
            ring.putShort(field, (short) 7);
            assertEquals(Poll.VIOLATION, new RequestRingReader(ring).poll(), "field " + field);
        }
    }

    @Test
    void shouldGoByNothingThatStandsInATrailer() {
        Random random = new Random(2);
        for (long i = 0; i < 100 * DEPTH; i++) {
            scribbleOverTrailer(requests, random);
            scribbleOverTrailer(responses, random);
            int index = (int) (i % (2 * DEPTH)) * REQUEST_LENGTH;
            UnsafeBuffer one = ring(requests.capacity());
            new RequestRingWriter(one).write(i, 1, IoOp.READ, 0, 0, 0);
            requests.putLong((index + REQUEST_LENGTH) % (2 * DEPTH * REQUEST_LENGTH), 0);
            requests.putBytes(index, one, 0, REQUEST_LENGTH);
            assertEquals(Poll.REQUEST, reader.poll());
            assertEquals(i, reader.request().correlationId());
            answers.clearAhead();
            answers.write(i, -i);
            int answer = (int) (i % (2 * DEPTH)) * RESPONSE_LENGTH;
            assertEquals(RESPONSE_LENGTH, responses.getInt(answer));
            assertEquals(i, responses.getLong(answer + SegmentDescriptor.BODY_OFFSET));
            assertEquals(Poll.EMPTY, reader.poll());
        }
    }

    private static void scribbleOverTrailer(UnsafeBuffer ring, Random random) {
        for (int at = ring.capacity() - TRAILER_LENGTH; at < ring.capacity(); at += Long.BYTES) {
            ring.putLong(at, random.nextBoolean() ? random.nextLong() : random.nextInt(1 << 16));
        }
    }

    /** Nothing but Agrona's classes on the client's end. */
    @Test
    void shouldTalkToAgronasOwnRings() {
        OneToOneRingBuffer own = new OneToOneRingBuffer(requests);
        OneToOneRingBuffer answered = new OneToOneRingBuffer(responses);
        Random random = new Random(3);
        IoRequestEncoder request = new IoRequestEncoder();
        long sent = 0;
        long taken = 0;
        long[] read = {0};
        while (read[0] < 100 * DEPTH) {
            for (int n = random.nextInt(DEPTH + 1); n > 0 && sent - read[0] < DEPTH; n--) {
                int index = own.tryClaim(IoRequestEncoder.TEMPLATE_ID, 56);
                assertTrue(index > 0, "no room for what may be made");
                request.wrapAndApplyHeader(
                                requests,
                                index,
                                new org.rbdwrapper.ipc.codec.MessageHeaderEncoder())
                        .correlationId(sent++)
                        .op(IoOp.FLUSH);
                own.commit(index);
            }
            for (int n = random.nextInt(DEPTH + 1); n > 0 && reader.poll() == Poll.REQUEST; n--) {
                assertEquals(taken, reader.request().correlationId());
                answers.clearAhead();
                answers.write(taken++, 7);
            }
            answered.read(
                    (type, buffer, index, length) -> {
                        assertEquals(IoResponseDecoder.TEMPLATE_ID, type);
                        assertEquals(RESPONSE_LENGTH - RecordDescriptor.HEADER_LENGTH, length);
                        IoResponseDecoder response =
                                new IoResponseDecoder()
                                        .wrapAndApplyHeader(
                                                buffer,
                                                index,
                                                new org.rbdwrapper.ipc.codec
                                                        .MessageHeaderDecoder());
                        assertEquals(read[0]++, response.correlationId());
                        assertEquals(7, response.result());
                    },
                    1 + random.nextInt(DEPTH));
            assertEquals(taken * REQUEST_LENGTH, own.consumerPosition());
            assertEquals(taken * RESPONSE_LENGTH, answered.producerPosition());
        }
    }

    @Test
    void shouldKeepAResponseUntilItIsSkipped() {
        for (long i = 0; i < 10 * DEPTH; i++) {
            assertNull(client.peek());
            answers.write(i, i + 1);
            answers.clearAhead();
            for (int n = 0; n < 3; n++) {
                assertTrue(client.hasNext());
                IoResponseDecoder response = client.peek();
                assertEquals(i, response.correlationId());
                assertEquals(i + 1, response.result());
                assertTrue(client.isWellFormed());
            }
            client.skip();
            assertFalse(client.hasNext());
        }
    }

    @Test
    void shouldTellARecordThatIsNoResponse() {
        for (int[] wrong : new int[][] {{RESPONSE_LENGTH, 50}, {24, 51}, {64, 51}}) {
            UnsafeBuffer ring = ring(responses.capacity());
            new ResponseRingWriter(ring).write(1, 1);
            ring.putInt(SegmentDescriptor.TYPE_OFFSET, wrong[1]);
            ring.putInt(SegmentDescriptor.LENGTH_OFFSET, wrong[0]);
            ResponseRingReader one = new ResponseRingReader(ring);
            one.peek();
            assertFalse(one.isWellFormed());
        }
    }

    @Test
    void shouldDeliverEachResponseOfManyWritersOnce() throws Exception {
        int writers = 4;
        int count = 200_000;
        // as in the broker: no more unread responses than the ring is deep
        Semaphore inFlight = new Semaphore(DEPTH);
        BlockingQueue<Integer> taken = new ArrayBlockingQueue<>(DEPTH);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread.startVirtualThread(
                () -> {
                    try {
                        for (int i = 0; i < count + writers; i++) {
                            inFlight.acquire();
                            taken.put(i < count ? i : -1);
                            answers.clearAhead(); // it may be answered by now
                        }
                    } catch (Throwable t) {
                        failure.set(t);
                    }
                });
        for (int w = 0; w < writers; w++) {
            Thread.ofPlatform()
                    .start(
                            () -> {
                                try {
                                    int i;
                                    while ((i = taken.take()) >= 0) {
                                        answers.write(i, -i);
                                    }
                                } catch (Throwable t) {
                                    failure.set(t);
                                }
                            });
        }
        Set<Long> seen = new HashSet<>();
        while (seen.size() < count && failure.get() == null) {
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
