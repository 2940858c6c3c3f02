package org.rbdwrapper.broker.messenger;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.codec.IoOp;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

class LongChangesTest {
    private static final int OBJECT = ArrayImage.OBJECT;
    private static final int PIECE = LongChanges.PIECE_OBJECTS * OBJECT;
    private static final int SIZE = 64 * PIECE;
    private static final int USER = 1000;
    private static final int ROUNDS = Integer.getInteger("rbdw.pieces.rounds", 300);

    private final Random random = new Random(Long.getLong("rbdw.pieces.seed", 1));
    private final FlowControl flows = RingClient.unbounded();
    private final LogicalEnds ends = new LogicalEnds(EndTable.inHeap());

    @AfterEach
    void shouldHaveNothingUnderWay() {
        assertEquals(0, flows.objects());
        flows.close();
    }

    private byte[] bytes() {
        byte[] bytes = new byte[SIZE];
        random.nextBytes(bytes);
        return bytes;
    }

    private static int objects(ArrayImage.Request of) {
        return (int) ((of.position() + of.length() - 1) / OBJECT - of.position() / OBJECT + 1);
    }

    private static int objects(ArrayImage image) {
        return image.requests().stream().mapToInt(LongChangesTest::objects).sum();
    }

    @Test
    void shouldChangeWhatAWholeOneChangesInPiecesOfWholeObjects() {
        for (int round = 0; round < ROUNDS; round++) {
            byte[] expected = bytes();
            ArrayImage image = new ArrayImage(expected.clone(), round % 5 == 0);
            try (RingClient one = new RingClient(flows, USER);
                    RingClient other = new RingClient(flows, USER + round % 2)) {
                List<RingClient> clients = List.of(one, other);
                List<OpenHandle> handles = List.of(one.open(image, ends), other.open(image, ends));
                List<int[]> made = new ArrayList<>(); // client, tag, length
                for (int i = 0; i < 6; i++) {
                    int who = random.nextInt(2);
                    int from = random.nextInt(SIZE);
                    int length = 1 + random.nextInt(SIZE - from);
                    IoOp op = random.nextBoolean() ? IoOp.DISCARD : IoOp.WRITE_ZEROES;
                    Arrays.fill(expected, from, from + length, (byte) 0);
                    int tag = clients.get(who).submit(handles.get(who), op, from, length);
                    made.add(new int[] {who, tag, length});
                }
                Set<Long> ends = new HashSet<>();
                while (image.waiting() > 0) {
                    image.requests().forEach(piece -> ends.add(piece.position() + piece.length()));
                    int most = LongChanges.MAX_USER_OBJECTS * (1 + round % 2) + 6 * 2;
                    assertTrue(objects(image) <= most, "more under way than the users may have");
                    image.finishAny(random);
                }
                for (int[] each : made) {
                    assertEquals(each[2], clients.get(each[0]).await(each[1]));
                }
                assertArrayEquals(expected, image.bytes);
                long odd = ends.stream().filter(end -> end % OBJECT != 0).count();
                assertTrue(odd <= 6, "pieces that end within an object");
            }
        }
    }

    @Test
    void shouldSendShortOnesDirectly() {
        FlowControl nobody = new FlowControl(Long.MAX_VALUE, Long.MAX_VALUE, 0, task -> {});
        ArrayImage image = new ArrayImage(bytes(), false);
        try (RingClient client = new RingClient(nobody, USER)) {
            OpenHandle handle = client.open(image, ends);
            int tag = client.submit(handle, IoOp.DISCARD, 5, OBJECT);
            client.submit(handle, IoOp.WRITE_ZEROES, 0, OBJECT);
            assertEquals(2, image.waiting());
            image.finishFirst();
            assertEquals(OBJECT, client.await(tag));
            client.submit(handle, IoOp.DISCARD, 5, OBJECT + 1);
            assertEquals(1, image.waiting());
        }
    }

    @Test
    void shouldEndWithTheErrorOfAPieceAndSendNoMore() {
        ArrayImage image = new ArrayImage(bytes(), false);
        try (RingClient client = new RingClient(flows, USER)) {
            OpenHandle handle = client.open(image, ends);
            int tag = client.submit(handle, IoOp.DISCARD, 0, SIZE);
            int underWay = image.waiting();
            image.finishFirst();
            assertEquals(underWay, image.waiting());
            image.fail(IoOp.DISCARD, Errno.ETIMEDOUT.number());
            image.finishFirst();
            image.fail(IoOp.DISCARD, 0);
            assertEquals(underWay - 1, image.waiting(), "another piece after one that failed");
            assertFalse(client.isAnswered(tag), "an answer before the last piece has ended");
            while (image.waiting() > 0) {
                image.finishAny(random);
            }
            assertEquals(-Errno.ETIMEDOUT.number(), client.await(tag));
            assertEquals(0, handle.inFlight());
        }
    }

    @Test
    void shouldStopWithTheClientThatItIsFor() {
        byte[] before = bytes();
        ArrayImage image = new ArrayImage(before.clone(), false);
        int[] drained = new int[1];
        try (RingClient client = new RingClient(flows, USER);
                RingClient other = new RingClient(flows, USER)) {
            OpenHandle handle = client.open(image, ends);
            OpenHandle others = other.open(image, ends);
            int tag = client.submit(handle, IoOp.DISCARD, 0, SIZE);
            int queued = client.submit(handle, IoOp.WRITE_ZEROES, 0, SIZE);
            int underWay = image.waiting();
            int waiting = other.submit(others, IoOp.DISCARD, SIZE - PIECE, PIECE);
            client.stop();
            client.leave(handle, () -> drained[0]++);
            assertEquals(1, handle.inFlight(), "what was not begun waits for its turn");
            for (int i = 0; i < underWay; i++) {
                assertEquals(0, drained[0]);
                image.finishFirst();
            }
            assertEquals(1, drained[0]);
            assertFalse(client.isAnswered(tag), "who comes back makes it again");
            assertFalse(client.isAnswered(queued));
            while (image.waiting() > 0) {
                image.finishFirst();
            }
            assertEquals(PIECE, other.await(waiting));
            Arrays.fill(before, 0, underWay * PIECE, (byte) 0);
            Arrays.fill(before, SIZE - PIECE, SIZE, (byte) 0);
            assertArrayEquals(before, image.bytes);
        }
    }

    /** Who has left a call and closes its image needs the answer before it uses the tag again. */
    @Test
    void shouldEndForAClientThatHasOnlyClosedItsImage() {
        ArrayImage image = new ArrayImage(bytes(), false);
        int[] drained = new int[1];
        try (RingClient client = new RingClient(flows, USER)) {
            OpenHandle handle = client.open(image, ends);
            int tag = client.submit(handle, IoOp.DISCARD, 0, SIZE);
            client.leave(handle, () -> drained[0]++);
            while (image.waiting() > 0) {
                assertEquals(0, drained[0]);
                image.finishFirst();
            }
            assertEquals(SIZE, client.await(tag));
            assertEquals(1, drained[0]);
        }
    }

    @Test
    void shouldSayThatTheImageWasTaken() {
        ArrayImage image = new ArrayImage(bytes(), false);
        int[] drained = new int[1];
        try (RingClient client = new RingClient(flows, USER)) {
            OpenHandle handle = client.open(image, ends);
            int tag = client.submit(handle, IoOp.DISCARD, 0, SIZE);
            int underWay = image.waiting();
            client.revoke(handle, () -> drained[0]++);
            for (int i = 0; i < underWay; i++) {
                image.finishAny(random);
            }
            assertEquals(0, image.waiting());
            assertEquals(-Errno.ESHUTDOWN.number(), client.await(tag));
            assertEquals(1, drained[0]);
        }
    }

    @Test
    void shouldTouchNothingBehindTheEndOfAnImageThatHasBecomeShorter() {
        ArrayImage image = new ArrayImage(bytes(), false);
        try (RingClient client = new RingClient(flows, USER)) {
            OpenHandle handle = client.open(image, ends);
            int tag = client.submit(handle, IoOp.DISCARD, 0, SIZE);
            int newSize = 9 * PIECE + 5;
            image.resize(newSize);
            while (image.waiting() > 0) {
                for (ArrayImage.Request piece : image.requests()) {
                    assertTrue(piece.position() + piece.length() <= newSize);
                }
                image.finishAny(random);
            }
            image.resize(SIZE);
            assertEquals(SIZE, client.await(tag));
        }
    }

    @Test
    void shouldGoOnWithOtherImagesAndUsersWhileOneDoesNotAnswer() {
        ArrayImage stuck = new ArrayImage(bytes(), false);
        ArrayImage well = new ArrayImage(bytes(), false);
        ArrayImage anothers = new ArrayImage(bytes(), false);
        try (RingClient client = new RingClient(flows, USER);
                RingClient another = new RingClient(flows, USER + 1)) {
            int first = client.submit(client.open(stuck, ends), IoOp.DISCARD, 0, SIZE);
            int second = client.submit(client.open(well, ends), IoOp.DISCARD, 0, SIZE);
            int third = another.submit(another.open(anothers, ends), IoOp.DISCARD, 0, SIZE);
            assertEquals(LongChanges.MAX_USER_OBJECTS, objects(stuck));
            assertEquals(LongChanges.PIECE_OBJECTS, objects(well));
            assertEquals(LongChanges.MAX_USER_OBJECTS, objects(anothers));
            while (well.waiting() + anothers.waiting() > 0) {
                ArrayImage next = well.waiting() > 0 ? well : anothers;
                next.finishFirst();
            }
            assertEquals(SIZE, client.await(second));
            assertEquals(SIZE, another.await(third));
            while (stuck.waiting() > 0) {
                stuck.finishFirst();
            }
            assertEquals(SIZE, client.await(first));
        }
    }

    @Test
    void shouldTakeTurnsAmongTheChangesOfAnImage() {
        ArrayImage image = new ArrayImage(bytes(), false);
        try (RingClient client = new RingClient(flows, USER)) {
            OpenHandle handle = client.open(image, ends);
            int tag = client.submit(handle, IoOp.DISCARD, 0, SIZE);
            int later = client.submit(handle, IoOp.DISCARD, 0, 4L * PIECE);
            int finished = 0;
            while (!client.isAnswered(later)) {
                image.finishFirst();
                finished++;
            }
            assertTrue(finished <= 4 + 2 * 4 + 1, "it waited for the longer one: " + finished);
            while (image.waiting() > 0) {
                image.finishFirst();
            }
            assertEquals(SIZE, client.await(tag));
        }
    }

    /** A set of striped objects is removed by one piece, or it would be zeroed in parts. */
    @Test
    void shouldEndPiecesWhereSetsOfStripedObjectsEnd() {
        assertEquals(2 * PIECE, LongChanges.pieceEnd(striped(1), PIECE + 5, 1L << 40));
        assertEquals(3 * PIECE, LongChanges.pieceEnd(striped(4), 2 * PIECE, 1L << 40));
        assertEquals(15L * OBJECT, LongChanges.pieceEnd(striped(3), 12L * OBJECT, 1L << 40));
        assertEquals(4 * PIECE, LongChanges.pieceEnd(striped(16), PIECE, 1L << 40));
        assertEquals(2 * PIECE, LongChanges.pieceEnd(striped(1000), PIECE, 1L << 40));
        assertEquals(PIECE + 9, LongChanges.pieceEnd(striped(16), PIECE, PIECE + 9));
        long far = Long.MAX_VALUE - 3;
        assertEquals(Long.MAX_VALUE, LongChanges.pieceEnd(striped(1), far, Long.MAX_VALUE));
    }

    private static ArrayImage striped(int count) {
        return new ArrayImage(new byte[0], false) {
            @Override
            public long objectSetSize() {
                return (long) count * OBJECT;
            }
        };
    }
}
