package org.rbdwrapper.broker.store.file;

import org.rbdwrapper.ipc.posix.Fd;

/**
 * The calls on an image's bytes, as {@link Fd} has them. A class of its own so that tests can hold
 * one up or let it fail.
 *
 * <p>Any thread.
 */
class FileCalls {
    long pread(int fd, long address, long length, long position) {
        return Fd.pread(fd, address, length, position);
    }

    long pwrite(int fd, long address, long length, long position) {
        return Fd.pwrite(fd, address, length, position);
    }

    int fallocate(int fd, int mode, long position, long length) {
        return Fd.fallocate(fd, mode, position, length);
    }

    int fdatasync(int fd) {
        return Fd.fdatasync(fd);
    }

    int fsync(int fd) {
        return Fd.fsync(fd);
    }
}
