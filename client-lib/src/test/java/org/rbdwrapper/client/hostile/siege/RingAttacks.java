package org.rbdwrapper.client.hostile.siege;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.IoOp;
import org.rbdwrapper.ipc.posix.EventFd;

import java.util.ArrayList;
import java.util.List;

/** How each {@link Attack} by the shared memory is done. */
final class RingAttacks {
    private static final int LEAST_ARENA = 64 * 1024;
    private static final int MIB = 1 << 20;

    private RingAttacks() {}

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
                                                tag, handle, IoOp.DISCARD, 0, Ground.HUGE_SIZE, 0);
                        channels.fill(maker);
                        goOn(ground, channels, maker);
                    }
                });
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

    /** Each request has bytes of the arena for itself. */
    static void reads(Ground ground, int channelCount, int depth, int length) {
        reads(ground, channelCount, depth, length, Math.max(LEAST_ARENA, depth * length));
    }

    /** All requests name the same bytes, and so there may be more of them under way. */
    static void readsOfSameBytes(Ground ground) {
        reads(ground, 2, 1024, MIB, MIB);
    }

    private static void reads(Ground ground, int channelCount, int depth, int length, int arena) {
        ground.again(
                1,
                () -> {
                    try (RawChannels channels =
                            new RawChannels(ground.runDir(), channelCount, depth, arena)) {
                        int handle = channels.line().open(ground.own(), false);
                        RawChannels.Maker maker =
                                RawChannels.reads(
                                        handle,
                                        Ground.OWN_SIZE,
                                        length,
                                        arena < depth * length ? 0 : channels.slot());
                        channels.fill(maker);
                        goOn(ground, channels, maker);
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
}
