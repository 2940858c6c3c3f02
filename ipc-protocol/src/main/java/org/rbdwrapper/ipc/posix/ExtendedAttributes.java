package org.rbdwrapper.ipc.posix;

import static org.rbdwrapper.ipc.posix.NativeCalls.LONG;
import static org.rbdwrapper.ipc.posix.NativeCalls.POINTER;
import static org.rbdwrapper.ipc.posix.NativeCalls.capture;
import static org.rbdwrapper.ipc.posix.NativeCalls.lastErrno;
import static org.rbdwrapper.ipc.posix.NativeCalls.returning;
import static org.rbdwrapper.ipc.posix.NativeCalls.unexpected;
import static org.rbdwrapper.ipc.posix.NativeCalls.withErrno;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/** Extended attributes of files, of which Java reaches those named {@code user.*} only. */
public final class ExtendedAttributes {
    private static final MethodHandle GETXATTR =
            withErrno("getxattr", returning(LONG, POINTER, POINTER, POINTER, LONG));

    private static final int ENODATA = 61;

    private ExtendedAttributes() {}

    /**
     * Whether the file has the attribute; a file system without attributes has none. Any thread.
     *
     * @param name with its space: {@code security.capability}.
     */
    public static boolean has(Path path, String name) throws ErrnoException {
        Errno failure;
        try (Arena arena = Arena.ofConfined()) {
            long length =
                    (long)
                            GETXATTR.invokeExact(
                                    capture(),
                                    arena.allocateFrom(path.toString()),
                                    arena.allocateFrom(name),
                                    MemorySegment.NULL,
                                    0L);
            if (length >= 0) {
                return true;
            }
            failure = lastErrno();
        } catch (Throwable t) {
            throw unexpected(t);
        }
        if (failure.number() == ENODATA || failure.equals(Errno.EOPNOTSUPP)) {
            return false;
        }
        throw new ErrnoException(failure, path + ": attribute " + name);
    }
}
