package org.rbdwrapper.perf.load;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.SharedMemory;
import org.rbdwrapper.perf.machine.Child;
import org.rbdwrapper.perf.machine.Environment;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/**
 * The yardstick of a round trip: two processes that hand an entry of 64 bytes to and fro through
 * two rings of sequenced entries in shared memory, both spinning. No protocol, no data, no wake.
 *
 * <p>One thread on each side.
 */
public final class PingPong implements AutoCloseable {
    static final int ENTRIES = 64;
    static final long ENTRY_LENGTH = 64;
    static final long RESPONSES = ENTRIES * ENTRY_LENGTH;
    static final long LENGTH = 2 * RESPONSES;

    /** Of an entry's eight words, the first is its sequence and is published last. */
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();

    private static final int LOOKS_BEFORE_CHECK = 1 << 20;

    private final MemorySegment rings;
    private final Child echo;
    private long position;

    private PingPong(MemorySegment rings, Child echo) {
        this.rings = rings;
        this.echo = echo;
    }

    public static PingPong start(Environment environment) throws IOException, ErrnoException {
        int fd = SharedMemory.createSealed("rbdw-perf-pingpong", LENGTH);
        // the other side opens it through our table of descriptors; it ends with this process
        String path = "/proc/" + ProcessHandle.current().pid() + "/fd/" + fd;
        Child echo =
                Child.startPiped(
                        "the ping-pong's other side",
                        environment.java(PingPongEcho.class, path),
                        Map.of(),
                        environment.scratch().resolve("pingpong.log"));
        environment.cleanup().add(echo);
        return new PingPong(map(path), echo);
    }

    static MemorySegment map(String path) throws IOException {
        try (FileChannel channel =
                FileChannel.open(
                        Path.of(path), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return channel.map(MapMode.READ_WRITE, 0, LENGTH, Arena.global());
        }
    }

    static long sequence(MemorySegment rings, long ring, long position) {
        return (long) WORD.getAcquire(rings, offset(ring, position));
    }

    static void publish(MemorySegment rings, long ring, long position) {
        long offset = offset(ring, position);
        for (long word = Long.BYTES; word < ENTRY_LENGTH; word += Long.BYTES) {
            rings.set(ValueLayout.JAVA_LONG, offset + word, position);
        }
        WORD.setRelease(rings, offset, position + 1);
    }

    private static long offset(long ring, long position) {
        return ring + (position & (ENTRIES - 1)) * ENTRY_LENGTH;
    }

    /** There and back. */
    public void roundTrip() throws IOException {
        publish(rings, 0, position);
        int looks = 0;
        while (sequence(rings, RESPONSES, position) != position + 1) {
            Thread.onSpinWait();
            if (++looks % LOOKS_BEFORE_CHECK == 0 && !echo.process().isAlive()) {
                throw echo.failure("ended");
            }
        }
        position++;
    }

    @Override
    public void close() {
        echo.close();
    }
}
