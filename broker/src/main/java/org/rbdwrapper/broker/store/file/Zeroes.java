package org.rbdwrapper.broker.store.file;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.posix.Fd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Zeroes to write where a file system has no better way. */
final class Zeroes {
    private static final long LENGTH = 256 * 1024;
    private static final MemorySegment BYTES = Arena.global().allocate(LENGTH);

    private Zeroes() {}

    /** Bytes written, or a negative error number where none was. */
    static long write(int fd, long position, long length) {
        long done = 0;
        while (done < length) {
            long n =
                    Fd.pwrite(
                            fd, BYTES.address(), Math.min(LENGTH, length - done), position + done);
            if (n == -Errno.EINTR.number()) {
                continue;
            }
            if (n < 0) {
                return done > 0 ? done : n;
            }
            done += n;
        }
        return done;
    }
}
