package org.rbdwrapper.client.hostile.siege;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.codec.ListMappingsEncoder;
import org.rbdwrapper.ipc.control.FrameBuffer;
import org.rbdwrapper.ipc.posix.EventFd;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** How each {@link Attack} is done. */
final class Attacks {
    private static final int LEAST_ARENA = 64 * 1024;
    private static final int MIB = 1 << 20;
    private static final int MANY = 64;

    /** Of a session's requests, which are answered in their order. */
    private static final int AT_ONCE = 16;

    private Attacks() {}

    @SuppressWarnings("unused")
    static void compute(Ground ground, int threads) {
        ground.again(
                threads,
                () -> {
                    long x = System.nanoTime();
                    for (int i = 0; i < 10_000_000; i++) {
                        x = x * 6364136223846793005L + 1442695040888963407L;
                    }
                    if (x == 0) {
                        throw new AssertionError("so that it is computed");
                    }
                });
    }

    static void openWaves(Ground ground) {
        byte[] open = RawLine.openFrame(ground.common(), false);
        ground.again(
                1,
                () -> {
                    try (RawLine one = new RawLine(ground.runDir()).hello(1, 2, LEAST_ARENA);
                            RawLine many = new RawLine(ground.runDir()).hello(1, 2, LEAST_ARENA)) {
                        one.open(ground.common(), false);
                        for (int i = 0; i < 1000; i += AT_ONCE) {
                            many.send(open, AT_ONCE);
                            many.receive(AT_ONCE);
                        }
                    }
                });
    }

    /** Sessions that ask of every image of the pool, and leave without having read an answer. */
    static void askSickAndLeave(Ground ground, Function<String, byte[]> question) {
        ground.again(
                1,
                () -> {
                    List<RawLine> lines = new ArrayList<>();
                    try {
                        for (int i = 0; i < 4; i++) {
                            lines.add(new RawLine(ground.runDir()).hello(1, 2, LEAST_ARENA));
                            for (String path : ground.sick()) {
                                lines.get(i).send(question.apply(path));
                            }
                        }
                        ground.inPlace().set(true);
                        Ground.pause(100);
                    } finally {
                        closeAll(lines);
                    }
                });
    }

    static void sickRequests(Ground ground) {
        ground.again(
                2,
                () -> {
                    try (RawChannels channels =
                            new RawChannels(ground.runDir(), 4, 64, LEAST_ARENA)) {
                        List<Integer> handles = new ArrayList<>();
                        for (String path : ground.sick()) {
                            handles.add(channels.line().open(path, true));
                        }
                        ground.inPlace().set(true);
                        Ground.pause(100);
                        channels.fill(
                                (ring, tag) ->
                                        ring.write(
                                                tag,
                                                handles.get(tag % handles.size()),
                                                IoOp.WRITE,
                                                tag * 1024L,
                                                1024,
                                                0));
                        Ground.pause(300);
                    }
                });
    }

    static void sameBytes(Ground ground) {
        ground.again(
                1,
                () -> {
                    try (RawChannels channels = new RawChannels(ground.runDir(), 1, 1024, MIB)) {
                        int handle = channels.line().open(ground.slow(), true);
                        RawChannels.Maker maker =
                                (ring, tag) ->
                                        ring.write(
                                                tag,
                                                handle,
                                                IoOp.WRITE,
                                                tag % 16 * (long) MIB,
                                                MIB,
                                                0);
                        channels.fill(maker);
                        goOn(ground, channels, maker);
                    }
                });
    }

    static void discardAll(Ground ground) {
        ground.again(
                1,
                () -> {
                    try (RawChannels channels =
                            new RawChannels(ground.runDir(), 1, 2, LEAST_ARENA)) {
                        int handle = channels.line().open(ground.huge(), true);
                        RawChannels.Maker maker =
                                (ring, tag) ->
                                        ring.write(
                                                tag,
                                                handle,
                                                IoOp.DISCARD,
                                                0,
                                                Ground.HUGE_SIZE,
                                                0);
                        channels.fill(maker);
                        goOn(ground, channels, maker);
                    }
                });
    }

    static void helloLarge(Ground ground) {
        ground.again(1, () -> new RawLine(ground.runDir()).hello(16, 1024, 32 * MIB).close());
    }

    /** Each session has asked for several things at any time. */
    static void askAlways(Ground ground, byte[] frame) {
        ground.again(
                2,
                () -> {
                    List<RawLine> lines = new ArrayList<>();
                    try {
                        for (int i = 0; i < MANY / 2; i++) {
                            lines.add(new RawLine(ground.runDir()).hello(0, 0, 0));
                            lines.get(i).send(frame, AT_ONCE);
                        }
                        ground.inPlace().set(true);
                        while (true) {
                            for (RawLine line : lines) {
                                line.receive(AT_ONCE);
                                line.send(frame, AT_ONCE);
                                ground.done().addAndGet(AT_ONCE);
                            }
                        }
                    } finally {
                        closeAll(lines);
                    }
                });
    }

    /** Until they are refused, or have taken 512 MiB. */
    static void idleChannels(Ground ground) {
        List<RawLine> lines = new ArrayList<>();
        try {
            while (lines.size() < 128) {
                lines.add(new RawLine(ground.runDir()).hello(64, 2, LEAST_ARENA));
                ground.done().incrementAndGet();
            }
        } catch (ErrnoException e) {
            ground.refused().incrementAndGet();
        }
        ground.inPlace().set(true);
        Ground.pause(Integer.MAX_VALUE);
    }

    static void doorbells(Ground ground) {
        ground.again(
                2,
                () -> {
                    try (RawLine line = new RawLine(ground.runDir()).hello(1, 2, LEAST_ARENA)) {
                        ground.inPlace().set(true);
                        while (true) {
                            for (int i = 0; i < 1000; i++) {
                                EventFd.ring(line.doorbell());
                            }
                            ground.done().addAndGet(1000);
                        }
                    }
                });
    }

    static void reads(Ground ground, int channelCount, int depth, int length) {
        ground.again(
                1,
                () -> {
                    int arena = Math.max(LEAST_ARENA, depth * length);
                    try (RawChannels channels =
                            new RawChannels(ground.runDir(), channelCount, depth, arena)) {
                        int handle = channels.line().open(ground.own(), false);
                        RawChannels.Maker maker =
                                RawChannels.reads(
                                        handle, Ground.OWN_SIZE, length, channels.slot());
                        channels.fill(maker);
                        goOn(ground, channels, maker);
                    }
                });
    }

    static void connects(Ground ground) {
        ground.again(
                2,
                () -> {
                    new RawLine(ground.runDir()).close();
                    new RawLine(ground.runDir()).hello(0, 0, 0).close();
                });
    }

    static void silence(Ground ground) {
        List<RawLine> lines = new ArrayList<>();
        ground.again(
                1,
                () -> {
                    if (lines.size() >= 700) {
                        lines.removeFirst().close();
                    }
                    lines.add(new RawLine(ground.runDir()));
                    Ground.pause(lines.size() < 600 ? 0 : 1);
                });
    }

    static void halfMessages(Ground ground) {
        byte[] half = new byte[FrameBuffer.MAX_CLIENT_FRAME / 2];
        half[2] = 4; // a frame of 256 KiB
        byte[] list =
                RawLine.listFrame(
                        ListMappingsEncoder.TEMPLATE_ID, ListMappingsEncoder.BLOCK_LENGTH);
        ground.again(
                1,
                () -> {
                    List<RawLine> lines = new ArrayList<>();
                    try {
                        for (int i = 0; i < MANY; i++) {
                            lines.add(new RawLine(ground.runDir()).hello(0, 0, 0));
                            if (i % 2 == 0) {
                                lines.get(i).send(half);
                            } else {
                                lines.get(i).send(list, 200);
                            }
                            ground.done().incrementAndGet();
                        }
                        Ground.pause(200);
                    } finally {
                        closeAll(lines);
                    }
                });
    }

    private static void goOn(Ground ground, RawChannels channels, RawChannels.Maker maker)
            throws ErrnoException {
        ground.inPlace().set(true);
        for (int idle = 0; ; ) {
            int answered = channels.turn(maker);
            ground.done().addAndGet(answered);
            idle = answered > 0 ? 0 : idle + 1;
            if (idle > 1000) {
                channels.line().checkAlive();
                Ground.pause(1);
            }
        }
    }

    private static void closeAll(List<RawLine> lines) throws ErrnoException {
        for (RawLine line : lines) {
            line.close();
        }
    }
}
