package org.rbdwrapper.ipc.posix;

import org.rbdwrapper.ipc.Errno;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * How the classes of this package reach libc: handles for its functions and the errno of the last
 * call.
 *
 * <p>Any thread. errno is captured into a buffer of the calling thread, so a call that failed is
 * asked for its errno on the same thread and before the next call.
 */
final class NativeCalls {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO =
            CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final ThreadLocal<MemorySegment> CAPTURED =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CAPTURE));

    private NativeCalls() {}

    /** A function that sets errno; its handle's first parameter is {@link #capture()}. */
    static MethodHandle withErrno(
            String name, FunctionDescriptor descriptor, Linker.Option... options) {
        Linker.Option[] all = java.util.Arrays.copyOf(options, options.length + 1);
        all[options.length] = Linker.Option.captureCallState("errno");
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), descriptor, all);
    }

    /** A function whose errno nobody asks for: some nanoseconds cheaper. */
    static MethodHandle plain(
            String name, FunctionDescriptor descriptor, Linker.Option... options) {
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), descriptor, options);
    }

    static MemorySegment capture() {
        return CAPTURED.get();
    }

    static Errno lastErrno() {
        return Errno.of(lastErrnoNumber());
    }

    static int lastErrnoNumber() {
        return (int) ERRNO.get(CAPTURED.get(), 0L);
    }

    /**
     * A handle of this package throws only where it is called with the wrong types: a mistake of
     * ours.
     */
    static AssertionError unexpected(Throwable thrown) {
        if (thrown instanceof Error error) {
            throw error;
        }
        return new AssertionError(thrown);
    }

    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    static final java.lang.foreign.AddressLayout POINTER = ValueLayout.ADDRESS;

    static FunctionDescriptor returning(MemoryLayout result, MemoryLayout... parameters) {
        return FunctionDescriptor.of(result, parameters);
    }
}
