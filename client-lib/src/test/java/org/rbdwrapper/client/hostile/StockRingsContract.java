package org.rbdwrapper.client.hostile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.ringbuffer.OneToOneRingBuffer;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.BrokerFixture;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.codec.IoRequestEncoder;
import org.rbdwrapper.ipc.codec.IoResponseDecoder;
import org.rbdwrapper.ipc.codec.MessageHeaderDecoder;
import org.rbdwrapper.ipc.codec.MessageHeaderEncoder;
import org.rbdwrapper.ipc.segment.Doorbell;

import java.util.Arrays;
import java.util.Random;

/**
 * A client that has Agrona's ring buffers and the generated codecs, and nothing of this project for
 * its requests and responses. Each tag has a part of the image and one of the arena for itself.
 */
abstract class StockRingsContract extends BrokerFixture {
    private static final int DEPTH = RawSession.DEPTH;
    private static final int PART = 4096;
    private static final int REQUESTS = 100 * DEPTH;
    private static final int TAG_MASK = 0xffff;
    private static final long TIMEOUT_NANOS = 60_000_000_000L;

    private final Random random = new Random(19);
    private final MessageHeaderEncoder header = new MessageHeaderEncoder();
    private final IoRequestEncoder request = new IoRequestEncoder();
    private final byte[][] image = new byte[DEPTH][PART];
    private final IoOp[] underWay = new IoOp[DEPTH];
    private final int[] lengths = new int[DEPTH];

    private OneToOneRingBuffer requests;
    private OneToOneRingBuffer responses;
    private UnsafeBuffer arena;
    private int handle;
    private int sent;
    private int answered;
    private int mostUnderWay;

    @Test
    void shouldServeWhoHasAgronasRingsOnly() throws Exception {
        String path = image("stock", (long) DEPTH * PART);
        try (RawSession session = new RawSession(runDir(), DEPTH, DEPTH * PART)) {
            handle = session.open(path);
            requests = new OneToOneRingBuffer(session.requests);
            responses = new OneToOneRingBuffer(session.responses);
            arena = session.arena();
            Doorbell doorbell = session.doorbell();
            long deadline = System.nanoTime() + TIMEOUT_NANOS;
            while (answered < REQUESTS) {
                int free = DEPTH - (sent - answered);
                for (int i = Math.min(random.nextInt(free + 1), REQUESTS - sent); i > 0; i--) {
                    send();
                }
                mostUnderWay = Math.max(mostUnderWay, sent - answered);
                doorbell.ringIfParked();
                responses.read(this::onResponse, 1 + random.nextInt(DEPTH));
                assertTrue(System.nanoTime() < deadline, answered + " of " + sent + " answered");
            }
            assertEquals(DEPTH, mostUnderWay);
            assertEquals(requests.producerPosition(), requests.consumerPosition());
            assertEquals(0, requests.size());
            assertEquals(0, responses.size());
        }
        remove(path);
    }

    private void send() {
        int tag = 0;
        while (underWay[tag] != null) {
            tag++;
        }
        IoOp op = new IoOp[] {IoOp.READ, IoOp.WRITE, IoOp.FLUSH}[random.nextInt(3)];
        lengths[tag] = op == IoOp.FLUSH ? 0 : 1 + random.nextInt(PART);
        if (op == IoOp.WRITE) {
            byte[] bytes = new byte[lengths[tag]];
            random.nextBytes(bytes);
            System.arraycopy(bytes, 0, image[tag], 0, bytes.length);
            arena.putBytes(tag * PART, bytes);
        }
        int index =
                requests.tryClaim(
                        IoRequestEncoder.TEMPLATE_ID,
                        MessageHeaderEncoder.ENCODED_LENGTH + IoRequestEncoder.BLOCK_LENGTH);
        assertTrue(index > 0, "no room for a request that may be made");
        request.wrapAndApplyHeader(requests.buffer(), index, header)
                .correlationId((long) sent << 16 | tag)
                .handle(handle)
                .op(op)
                .position((long) tag * PART)
                .length(lengths[tag])
                .arenaOffset((long) tag * PART)
                .begin(0);
        requests.commit(index);
        underWay[tag] = op;
        sent++;
    }

    private void onResponse(int type, MutableDirectBuffer buffer, int index, int length) {
        assertEquals(IoResponseDecoder.TEMPLATE_ID, type);
        assertEquals(MessageHeaderDecoder.ENCODED_LENGTH + IoResponseDecoder.BLOCK_LENGTH, length);
        IoResponseDecoder response =
                new IoResponseDecoder()
                        .wrapAndApplyHeader(buffer, index, new MessageHeaderDecoder());
        int tag = (int) response.correlationId() & TAG_MASK;
        assertEquals(lengths[tag], response.result(), () -> underWay[tag] + " of tag " + tag);
        if (underWay[tag] == IoOp.READ) {
            byte[] read = new byte[lengths[tag]];
            arena.getBytes(tag * PART, read);
            assertArrayEquals(Arrays.copyOf(image[tag], lengths[tag]), read);
        }
        underWay[tag] = null;
        answered++;
    }
}
