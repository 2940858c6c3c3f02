package org.rbdwrapper.ipc.posix;

import static org.rbdwrapper.ipc.posix.NativeCalls.INT;
import static org.rbdwrapper.ipc.posix.NativeCalls.POINTER;
import static org.rbdwrapper.ipc.posix.NativeCalls.capture;
import static org.rbdwrapper.ipc.posix.NativeCalls.returning;
import static org.rbdwrapper.ipc.posix.NativeCalls.unexpected;
import static org.rbdwrapper.ipc.posix.NativeCalls.withErrno;

import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * When the last descriptor of a file without a name is closed, in whatever process: inotify(7),
 * which holds no file open itself. {@link #watch} by any thread, the rest by the one that reads.
 */
public final class Inotify implements AutoCloseable {
    private static final int IN_NONBLOCK = 04000;
    private static final int IN_CLOEXEC = 02000000;
    private static final int IN_DELETE_SELF = 0x400;
    private static final int IN_Q_OVERFLOW = 0x4000;

    // struct inotify_event: wd 0, mask 4, cookie 8, len 12, then len bytes
    private static final int EVENT_LENGTH = 16;
    private static final Pattern WATCH_OF_FDINFO = Pattern.compile("inotify wd:([0-9a-f]+) .*");

    private static final MethodHandle INIT = withErrno("inotify_init1", returning(INT, INT));
    private static final MethodHandle ADD =
            withErrno("inotify_add_watch", returning(INT, INT, POINTER, INT));

    private final Arena arena = Arena.ofShared();
    private final MemorySegment events = arena.allocate(64L * 1024, 8);
    private final int fd;

    public Inotify() throws ErrnoException {
        try {
            fd = Fd.check((int) INIT.invokeExact(capture(), IN_NONBLOCK | IN_CLOEXEC), "inotify");
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** Readable when {@link #read} has something to tell. */
    public int descriptor() {
        return fd;
    }

    /**
     * Watches the file behind a descriptor.
     *
     * @return the watch's number, for {@link #read}; the same for the same file.
     * @throws ErrnoException ENOSPC where the user has as many watches as the host allows.
     */
    public int watch(int watched) throws ErrnoException {
        try (Arena local = Arena.ofConfined()) {
            MemorySegment path = local.allocateFrom("/proc/self/fd/" + watched);
            return Fd.check(
                    (int) ADD.invokeExact(capture(), fd, path, IN_DELETE_SELF),
                    "inotify_add_watch");
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /**
     * Tells the watches whose file is gone; does not wait.
     *
     * @return false where the kernel could not keep all: {@link #live} says which are left.
     */
    public boolean read(IntConsumer gone) {
        boolean complete = true;
        long n;
        while ((n = Fd.read(fd, events.address(), events.byteSize())) > 0) {
            for (long at = 0; at < n; ) {
                int mask = events.get(INT, at + 4);
                if ((mask & IN_DELETE_SELF) != 0) {
                    gone.accept(events.get(INT, at));
                }
                complete &= (mask & IN_Q_OVERFLOW) == 0;
                at += EVENT_LENGTH + Integer.toUnsignedLong(events.get(INT, at + 12));
            }
        }
        return complete;
    }

    /** The watches whose files are there. */
    public Set<Integer> live() throws IOException {
        Set<Integer> watches = new HashSet<>();
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/fdinfo/" + fd))) {
            lines.forEach(
                    line -> {
                        Matcher matcher = WATCH_OF_FDINFO.matcher(line);
                        if (matcher.matches()) {
                            watches.add(Integer.parseUnsignedInt(matcher.group(1), 16));
                        }
                    });
        }
        return watches;
    }

    @Override
    public void close() throws ErrnoException {
        Fd.close(fd);
        arena.close();
    }
}
