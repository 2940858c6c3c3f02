package org.rbdwrapper.ipc.posix;

import static org.rbdwrapper.ipc.posix.NativeCalls.INT;
import static org.rbdwrapper.ipc.posix.NativeCalls.capture;
import static org.rbdwrapper.ipc.posix.NativeCalls.returning;
import static org.rbdwrapper.ipc.posix.NativeCalls.unexpected;
import static org.rbdwrapper.ipc.posix.NativeCalls.withErrno;

import org.rbdwrapper.ipc.ErrnoException;

import java.lang.invoke.MethodHandle;

/**
 * How the kernel weighs a thread against others that want the same core, setpriority(2): on Linux a
 * thread has a nice value of its own. Any thread.
 */
public final class ThreadPriority {
    private static final int PRIO_PROCESS = 0;

    /** Of the calling thread. */
    private static final int SELF = 0;

    private static final MethodHandle GET = withErrno("getpriority", returning(INT, INT, INT));
    private static final MethodHandle SET = withErrno("setpriority", returning(INT, INT, INT, INT));

    private ThreadPriority() {}

    /**
     * Makes the calling thread nicer, for good: to become less nice again takes a privilege.
     *
     * @param steps from 0 on; each takes about a fifth of its weight. The nicest is 19.
     */
    public static void lower(int steps) throws ErrnoException {
        try {
            // -1 may be a nice value, and so it is no sign of a failure, of which there is none
            // here
            int nice = (int) GET.invokeExact(capture(), PRIO_PROCESS, SELF);
            Fd.check(
                    (int) SET.invokeExact(capture(), PRIO_PROCESS, SELF, nice + steps),
                    "setpriority");
        } catch (ErrnoException e) {
            throw e;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** The calling thread's nice value, from -20 to 19. */
    public static int nice() {
        try {
            return (int) GET.invokeExact(capture(), PRIO_PROCESS, SELF);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }
}
