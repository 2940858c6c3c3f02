package org.rbdwrapper.ipc.posix;

import static org.rbdwrapper.ipc.posix.NativeCalls.INT;
import static org.rbdwrapper.ipc.posix.NativeCalls.plain;
import static org.rbdwrapper.ipc.posix.NativeCalls.returning;
import static org.rbdwrapper.ipc.posix.NativeCalls.unexpected;

import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Under which numbers this process runs: by {@code /proc} where it is, which a short command has
 * read sooner than it has a handle for a system call. Any thread.
 */
public final class ProcessIdentity {
    private static final Path STATUS = Path.of("/proc/self/status");

    private ProcessIdentity() {}

    /** Effective. */
    public static int uid() {
        int uid = ofStatus("Uid:");
        return uid >= 0 ? uid : Calls.call(Calls.GETEUID);
    }

    /** Effective. */
    public static int gid() {
        int gid = ofStatus("Gid:");
        return gid >= 0 ? gid : Calls.call(Calls.GETEGID);
    }

    /** Real, effective, saved and that of file systems stand behind the name; -1: not known. */
    private static int ofStatus(String name) {
        try {
            for (String line : Files.readAllLines(STATUS)) {
                if (line.startsWith(name)) {
                    return (int) Long.parseLong(line.split("\\s+")[2]);
                }
            }
        } catch (IOException | NumberFormatException | ArrayIndexOutOfBoundsException e) {
            return -1; // no /proc here, or not one that we know
        }
        return -1;
    }

    /** Made only where they are needed. */
    private static final class Calls {
        private static final MethodHandle GETEUID = plain("geteuid", returning(INT));
        private static final MethodHandle GETEGID = plain("getegid", returning(INT));

        private static int call(MethodHandle handle) {
            try {
                return (int) handle.invokeExact();
            } catch (Throwable t) {
                throw unexpected(t);
            }
        }
    }
}
