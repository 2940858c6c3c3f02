package org.rbdwrapper.ipc.posix;

import static org.rbdwrapper.ipc.posix.NativeCalls.INT;
import static org.rbdwrapper.ipc.posix.NativeCalls.plain;
import static org.rbdwrapper.ipc.posix.NativeCalls.returning;
import static org.rbdwrapper.ipc.posix.NativeCalls.unexpected;

import java.lang.invoke.MethodHandle;

/** Under which numbers this process runs. Any thread. */
public final class ProcessIdentity {
    private static final MethodHandle GETEUID = plain("geteuid", returning(INT));
    private static final MethodHandle GETEGID = plain("getegid", returning(INT));

    private ProcessIdentity() {}

    public static int uid() {
        return call(GETEUID);
    }

    public static int gid() {
        return call(GETEGID);
    }

    private static int call(MethodHandle handle) {
        try {
            return (int) handle.invokeExact();
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }
}
