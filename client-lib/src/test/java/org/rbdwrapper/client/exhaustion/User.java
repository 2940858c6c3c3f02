package org.rbdwrapper.client.exhaustion;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;

/**
 * Does something as another user: on a thread of its own, since to the kernel a user is a thread's,
 * and who connects by a socket is seen as that.
 */
final class User {
    private static final boolean ARM = System.getProperty("os.arch").equals("aarch64");
    private static final long SETRESGID = ARM ? 149 : 119;
    private static final long SETRESUID = ARM ? 147 : 117;
    private static final long UNCHANGED = -1;
    private static final MethodHandle SYSCALL =
            Linker.nativeLinker()
                    .downcallHandle(
                            Linker.nativeLinker().defaultLookup().findOrThrow("syscall"),
                            FunctionDescriptor.of(
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_LONG),
                            Linker.Option.firstVariadicArg(1));

    private User() {}

    /** Needs root. */
    static <T> T as(int uid, Callable<T> what) throws Exception {
        FutureTask<T> task =
                new FutureTask<>(
                        () -> {
                            become(SETRESGID, uid);
                            become(SETRESUID, uid);
                            return what.call();
                        });
        Thread.ofPlatform().start(task);
        try {
            return task.get();
        } catch (java.util.concurrent.ExecutionException e) {
            if (e.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw e;
        }
    }

    private static void become(long call, int id) throws Exception {
        long result;
        try {
            result = (long) SYSCALL.invokeExact(call, UNCHANGED, (long) id, UNCHANGED);
        } catch (Throwable t) {
            throw new IllegalStateException(t);
        }
        if (result != 0) {
            throw new IllegalStateException("the thread cannot become user " + id);
        }
    }
}
