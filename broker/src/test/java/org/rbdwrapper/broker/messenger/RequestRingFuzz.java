package org.rbdwrapper.broker.messenger;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.BODY_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.CLIENT_WAITING_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.LENGTH_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MESSAGE_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MIN_ARENA_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.REQUEST_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.REQUEST_RING_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.RESPONSE_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.TYPE_OFFSET;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.broker.fuzz.FuzzInput;
import org.rbdwrapper.broker.store.ImageTimes;
import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.codec.IoRequestEncoder;
import org.rbdwrapper.ipc.codec.MessageHeaderEncoder;
import org.rbdwrapper.ipc.segment.SegmentGeometry;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/**
 * A channel whose client writes what it likes into its segment, also while its requests are looked
 * at: nothing outside the arena and the image reaches the store, each request is answered once, and
 * nothing is thrown.
 *
 * <p>Input: u8 shape, u8 size of the image, then what happens, one step after another: {@link
 * Run#step}.
 */
public final class RequestRingFuzz {
    private static final int[] DEPTHS = {4, 8, 16, 64};
    private static final long[] SIZES = {0, 1, 1000, 1 << 20, 1L << 40, Long.MAX_VALUE};
    private static final int MAX_STEPS = 512;
    private static final int HANDLES = 4;

    /** At the store beside the client's own requests: of changes that go in pieces. */
    private static final int PIECES = LongChanges.MAX_USER_OBJECTS + HANDLES;

    /** The longest change is some hundred of them, but in the largest image. */
    private static final int MAX_OBJECTS = 256;

    /** Of one step: then the store takes its time. */
    private static final int MAX_AT_ONCE = 1000;

    private static final UnsafeBuffer[] MEMORY = new UnsafeBuffer[DEPTHS.length];

    private RequestRingFuzz() {}

    public static void fuzzerTestOneInput(byte[] data) {
        FuzzInput input = new FuzzInput(data);
        int shape = input.u8() % DEPTHS.length;
        new Run(input, shape, SIZES[input.u8() % SIZES.length]).run();
    }

    private static UnsafeBuffer memory(int shape, SegmentGeometry geometry) {
        if (MEMORY[shape] == null) {
            MEMORY[shape] =
                    new UnsafeBuffer(
                            Arena.global().allocate(geometry.channelStride(), 4096).asByteBuffer());
        }
        // the arena is nothing to the broker
        MEMORY[shape].setMemory(0, geometry.arenaOffset(), (byte) 0);
        return MEMORY[shape];
    }

    private record Pending(IoOp op, long length, IoCompletion completion) {
        long transferred() {
            return op == IoOp.READ || op == IoOp.WRITE ? length : 0;
        }
    }

    private static final class Run {
        private final FuzzInput input;
        private final SegmentGeometry geometry;
        private final UnsafeBuffer channel;
        private final long arenaBegin;
        private final long arenaEnd;
        private final BrokerChannel reader;
        private final OpenHandle[] handles = new OpenHandle[HANDLES];
        private final boolean[] retired = new boolean[HANDLES];
        private final HandleTable table = new HandleTable();
        private final FlowControl flows;
        private final UserFlow user;
        private final LogicalEnds ends = new LogicalEnds(EndTable.inHeap());
        private final List<Pending> pending = new ArrayList<>();
        private final long imageSize;
        private int drained;
        private boolean completesAtOnce;
        private boolean violated;

        /** What it finds in the response ring may be anything. */
        private boolean isDishonest;

        private int atOnce;
        private long taken;
        private long answered;
        private long published;
        private int raceOffset = -1;
        private long raceValue;

        Run(FuzzInput input, int shape, long imageSize) {
            this.input = input;
            this.imageSize = imageSize;
            geometry = new SegmentGeometry(1, DEPTHS[shape], MIN_ARENA_LENGTH);
            channel = memory(shape, geometry);
            arenaBegin = channel.addressOffset() + geometry.arenaOffset();
            arenaEnd = arenaBegin + geometry.arenaLength();
            ends.identify("fuzz");
            for (int i = 0; i < HANDLES; i++) {
                handles[i] =
                        new OpenHandle(
                                HandleTable.number(i, 1),
                                i != 1,
                                i != 2,
                                i == 3,
                                new Image(i),
                                new ChangeCounter(),
                                new StoreAnswers("fuzzed"),
                                ends,
                                RequestLedger.inHeap().countersOf(i));
                table.add(handles[i]);
            }
            // so little that large transfers wait for one another
            flows =
                    new FlowControl(
                            geometry.arenaLength(), geometry.arenaLength(), 0, Runnable::run);
            user = flows.enter(1);
            reader = new BrokerChannel(channel.addressOffset(), geometry, table, user);
        }

        void run() {
            for (int steps = 0; input.hasMore() && steps < MAX_STEPS; steps++) {
                step();
            }
            for (int i = 0; i < MAX_STEPS && !pending.isEmpty(); i++) {
                complete(0, 0, true);
            }
            boolean isAnyLong = !pending.isEmpty();
            for (int i = 0; i < HANDLES; i++) {
                require(
                        isAnyLong || handles[i].inFlight() == 0,
                        "a request in flight that nobody has");
                retire(i);
            }
            reader.stop();
            user.longChanges().onUnwanted();
            while (!pending.isEmpty()) {
                complete(0, 0, true);
            }
            require(drained == HANDLES, "a handle that is not drained");
            require(flows.bytes() == 0, "bytes that nobody has under way");
            require(flows.objects() == 0, "objects that nobody has under way");
            reader.release();
            flows.leave(user);
            flows.close();
            ends.close();
        }

        /** One thing that the client, the store or the messenger does. */
        private void step() {
            atOnce = 0;
            switch (input.u8() % 12) {
                case 0, 1, 2 -> publish();
                case 3 -> channel.putBytes(ringOffset(), input.bytes(REQUEST_LENGTH));
                case 4 -> scribble(input.u16(), input.i64());
                case 5, 6 -> drain(1 + input.u8() % 64);
                case 7 -> {
                    if (!pending.isEmpty()) {
                        complete(input.u8() % pending.size(), input.i64(), input.u8() % 2 == 0);
                    }
                }
                case 8 -> {
                    raceOffset = input.u16();
                    raceValue = input.i64();
                }
                case 9 -> channel.putInt(CLIENT_WAITING_OFFSET, input.u8());
                case 10 -> completesAtOnce = !completesAtOnce;
                default -> {
                    int i = input.u8() % HANDLES;
                    if (i == 3 && !retired[i]) {
                        retired[i] = true;
                        handles[i].revoke(() -> drained++); // as an unmap by force
                        user.longChanges().onUnwanted();
                    } else {
                        retire(i);
                    }
                }
            }
        }

        private int ringOffset() {
            return REQUEST_RING_OFFSET + indexOf(published) * REQUEST_LENGTH;
        }

        private int indexOf(long number) {
            return (int) (number % (2L * geometry.depth()));
        }

        /** A request as clients make them, with any numbers. */
        private void publish() {
            int offset = ringOffset();
            channel.putLong(REQUEST_RING_OFFSET + indexOf(published + 1) * REQUEST_LENGTH, 0);
            channel.putInt(offset + TYPE_OFFSET, IoRequestEncoder.TEMPLATE_ID);
            new MessageHeaderEncoder()
                    .wrap(channel, offset + MESSAGE_OFFSET)
                    .blockLength(IoRequestEncoder.BLOCK_LENGTH)
                    .templateId(IoRequestEncoder.TEMPLATE_ID)
                    .schemaId(IoRequestEncoder.SCHEMA_ID)
                    .version(IoRequestEncoder.SCHEMA_VERSION);
            int body = offset + BODY_OFFSET;
            long correlationId = input.u16() | published << 16;
            int handle = input.u8();
            channel.putLong(body + IoRequestEncoder.correlationIdEncodingOffset(), correlationId);
            channel.putInt(
                    body + IoRequestEncoder.handleEncodingOffset(),
                    handle < 200 ? HandleTable.number(handle % HANDLES, 1) : input.i32());
            channel.putByte(body + IoRequestEncoder.opEncodingOffset(), (byte) input.u8());
            channel.putLong(body + IoRequestEncoder.positionEncodingOffset(), input.number());
            channel.putLong(body + IoRequestEncoder.lengthEncodingOffset(), input.number());
            channel.putInt(
                    body + IoRequestEncoder.arenaOffsetEncodingOffset(), (int) input.number());
            channel.putInt(offset + LENGTH_OFFSET, REQUEST_LENGTH);
            published++;
            isDishonest |= published - answered > geometry.depth();
        }

        /** Anywhere in the rings and their trailers. */
        private void scribble(int at, long value) {
            int end = geometry.responseRingOffset() + geometry.responseRingLength();
            int offset = REQUEST_RING_OFFSET + at % (end - Long.BYTES - REQUEST_RING_OFFSET);
            channel.putLong(offset, value);
            isDishonest |= offset + Long.BYTES > geometry.responseRingOffset();
        }

        private void drain(int limit) {
            if (violated) {
                return; // as a session whose violation was seen
            }
            reader.hasNext();
            int n = reader.drain(limit);
            require(n >= -1 && n <= limit, "more than asked for");
            if (n < 0) {
                violated = true;
                require(!reader.violation().isEmpty(), "a violation without a reason");
            } else {
                taken += n;
                isDishonest |= taken > published; // something else than what it published
            }
            require(reader.takeBytes() >= 0, "bytes below 0");
            look();
        }

        private void complete(int index, long result, boolean wholly) {
            Pending request = pending.remove(index);
            if (wholly && request.op() != IoOp.READ && request.op() != IoOp.FLUSH) {
                request.completion().onWhollyDone();
            } else {
                request.completion().onComplete(wholly ? request.length() : result);
            }
            look();
        }

        private void retire(int i) {
            if (!retired[i]) {
                retired[i] = true;
                table.remove(handles[i]);
                handles[i].retire(() -> drained++);
            }
        }

        /** The client reads its answers. */
        private void look() {
            long before = answered;
            while (answered - before <= geometry.depth()) {
                int offset = geometry.responseRingOffset() + indexOf(answered) * RESPONSE_LENGTH;
                int length = channel.getInt(offset + LENGTH_OFFSET);
                if (length <= 0) {
                    break;
                }
                require(isDishonest || length == RESPONSE_LENGTH, "a response of " + length);
                answered++;
            }
            require(
                    isDishonest || answered - before <= geometry.depth(),
                    "more answers than the client has requests");
            if (!violated && !isDishonest) {
                long on = 0;
                boolean isAnyRetired = false;
                for (int i = 0; i < HANDLES; i++) {
                    on += handles[i].inFlight();
                    isAnyRetired |= retired[i];
                }
                // what waited for zeroes is not answered where its handle is gone
                require(
                        answered + on == taken || (isAnyRetired && answered + on < taken),
                        taken + " taken, " + answered + " answered, " + on + " on");
            }
        }

        private void race() {
            if (raceOffset >= 0) {
                scribble(raceOffset, raceValue);
                raceOffset = -1;
            }
        }

        /** What reaches the store. */
        private final class Image implements StoreImage {
            private final int index;

            Image(int index) {
                this.index = index;
            }

            @Override
            public long size() {
                race(); // between the broker's checks and its use of what it has checked
                return imageSize;
            }

            @Override
            public int objectSize() {
                return Math.clamp(imageSize / MAX_OBJECTS, 4096, Integer.MAX_VALUE);
            }

            @Override
            public String imageId() {
                return "fuzz";
            }

            @Override
            public ImageTimes times() {
                return new ImageTimes(0, 0, 0, 0);
            }

            @Override
            public void submit(
                    IoOp op, long address, long position, long length, IoCompletion completion) {
                require(!handles[index].isRevoked(), "submitted to an image that was taken");
                require(op.value() <= IoOp.WRITE_ZEROES.value(), "an operation that is none");
                require(op != IoOp.READ || index != 1, "a read through a handle that cannot");
                require(
                        op == IoOp.READ || op == IoOp.FLUSH || index != 2,
                        "a change through a handle that cannot");
                if (op != IoOp.FLUSH) {
                    require(length >= 1, "nothing to do");
                    require(
                            position >= 0 && length <= imageSize - position,
                            length + " bytes at " + position + " of " + imageSize);
                }
                if (op == IoOp.READ || op == IoOp.WRITE) {
                    require(
                            address >= arenaBegin && length <= arenaEnd - address,
                            length + " bytes at " + (address - arenaBegin) + " of the arena");
                }
                for (Pending other : pending) {
                    require(
                            other.completion().completionId() != completion.completionId(),
                            "a tag twice");
                }
                require(
                        pending.size() < geometry.depth() + PIECES,
                        "more than the depth in flight");
                long transferred = op == IoOp.READ || op == IoOp.WRITE ? length : 0;
                for (Pending other : pending) {
                    transferred += other.transferred();
                }
                require(transferred <= geometry.arenaLength(), "more bytes than the arena has");
                race();
                if (completesAtOnce && atOnce++ < MAX_AT_ONCE) {
                    completion.onComplete(op == IoOp.FLUSH ? 0 : length);
                } else {
                    pending.add(new Pending(op, length, completion));
                }
            }

            @Override
            public void close() {
                // nothing is held
            }
        }
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }
}
