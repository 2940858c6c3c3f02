package org.rbdwrapper.broker.store.ceph;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import org.rbdwrapper.broker.store.ProgressListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** librbd_progress_fn_t for the duration of one call. */
final class ProgressUpcall {
    private static final Logger LOG = LoggerFactory.getLogger(ProgressUpcall.class);
    private static final FunctionDescriptor DESCRIPTOR =
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle ON_PROGRESS;

    static {
        try {
            ON_PROGRESS =
                    MethodHandles.lookup()
                            .findVirtual(
                                    ProgressUpcall.class,
                                    "onProgress",
                                    MethodType.methodType(
                                            int.class, long.class, long.class, long.class));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final ProgressListener listener;

    private ProgressUpcall(ProgressListener listener) {
        this.listener = listener;
    }

    /** Address of a function that lives as long as the arena. */
    static long stub(ProgressListener listener, Arena arena) {
        MethodHandle target = ON_PROGRESS.bindTo(new ProgressUpcall(listener));
        return Linker.nativeLinker().upcallStub(target, DESCRIPTOR, arena).address();
    }

    @SuppressWarnings("unused") // through ON_PROGRESS
    private int onProgress(long offset, long total, long argument) {
        try {
            listener.onProgress(offset, total);
        } catch (Throwable t) {
            LOG.warn("progress is not shown", t); // what escapes an upcall ends the JVM
        }
        return 0;
    }
}
