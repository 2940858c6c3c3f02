package org.rbdwrapper.client.hostile.siege;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.ListMappingsEncoder;
import org.rbdwrapper.ipc.control.FrameBuffer;
import org.rbdwrapper.ipc.posix.Fd;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** How each {@link Attack} by the socket is done. */
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

    /** The own image, opened and closed. */
    static void opens(Ground ground) {
        ground.again(
                2,
                () -> {
                    try (RawLine line = new RawLine(ground.runDir()).hello(1, 2, LEAST_ARENA)) {
                        ground.inPlace().set(true);
                        while (true) {
                            int handle = line.open(ground.own(), true);
                            line.send(RawLine.closeFrame(handle));
                            line.receive();
                            ground.done().incrementAndGet();
                        }
                    }
                });
    }

    /** Descriptors for an open image, made for who closes them at once. */
    static void shares(Ground ground) {
        ground.again(
                1,
                () -> {
                    try (RawLine line = new RawLine(ground.runDir()).hello(1, 2, LEAST_ARENA)) {
                        for (int i = 0; i < 1000; i++) {
                            int handle = line.open(ground.own(), true);
                            line.send(RawLine.shareFrame(handle, ground.own()));
                            for (int descriptor : line.receiveDescriptors()) {
                                Fd.close(descriptor);
                            }
                            line.send(RawLine.closeFrame(handle));
                            line.receive();
                            ground.done().incrementAndGet();
                        }
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

    private static void closeAll(List<RawLine> lines) throws ErrnoException {
        for (RawLine line : lines) {
            line.close();
        }
    }
}
