package org.rbdwrapper.broker.map;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Sees to it that a state directory has one broker. The lock is the kernel's and gone with the
 * process, however it ends.
 */
public final class StateDirLock implements AutoCloseable {
    private final FileChannel channel;

    private StateDirLock(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * @throws ErrnoException EBUSY where another broker has it.
     */
    public static StateDirLock acquire(Path stateDir) throws ErrnoException {
        try {
            FileChannel channel =
                    FileChannel.open(
                            stateDir.resolve("lock"),
                            StandardOpenOption.CREATE,
                            StandardOpenOption.WRITE);
            FileLock lock = tryLock(channel);
            if (lock == null) {
                channel.close();
                throw new ErrnoException(
                        Errno.EBUSY,
                        "another broker uses the state directory "
                                + stateDir
                                + ": stop it, or choose another");
            }
            return new StateDirLock(channel);
        } catch (ErrnoException e) {
            throw e;
        } catch (IOException e) {
            throw new ErrnoException(
                    Errno.EACCES,
                    "state directory "
                            + stateDir
                            + " cannot be written ("
                            + e.getMessage()
                            + "): choose another with --state-dir",
                    e);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    private static FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null; // a broker of this very process, as tests have it
        }
    }
}
