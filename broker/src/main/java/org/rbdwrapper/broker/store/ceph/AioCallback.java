package org.rbdwrapper.broker.store.ceph;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import org.rbdwrapper.broker.store.CompletionRegistry;
import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.ipc.Errno;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * The one function that librbd calls when a request is done, on a thread of its own. The argument
 * has the numbers of the image and of who waits. Allocates nothing.
 */
final class AioCallback {
    private static final Logger LOG = LoggerFactory.getLogger(AioCallback.class);
    private static final long ADDRESS;

    /**
     * rbd_aio_create_completion returns its result through a pointer: one for each thread that
     * submits.
     */
    private static final ThreadLocal<MemorySegment> OUT =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(JAVA_LONG));

    static {
        try {
            ADDRESS =
                    Linker.nativeLinker()
                            .upcallStub(
                                    MethodHandles.lookup()
                                            .findStatic(
                                                    AioCallback.class,
                                                    "onDone",
                                                    MethodType.methodType(
                                                            void.class, long.class, long.class)),
                                    FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_LONG),
                                    Arena.global())
                            .address();
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static final long BLOCKLISTED = -Errno.ESHUTDOWN.number();

    private AioCallback() {}

    /**
     * A completion for one request, or a negative error number.
     *
     * @param image its number.
     */
    static long create(IoCompletion waiter, int image) {
        MemorySegment out = OUT.get();
        long argument = (long) image << 32 | waiter.completionId();
        int result = LibRbd.createCompletion(argument, ADDRESS, out.address());
        return result < 0 ? result : out.get(JAVA_LONG, 0);
    }

    /** Before who waits can know, so that its next open does not meet the same client. */
    private static void onBlocklisted(int number) {
        CephImage image = ImageNumbers.get(number);
        if (image != null) {
            image.onBlocklisted();
        }
    }

    @SuppressWarnings("unused") // through ADDRESS
    private static void onDone(long completion, long waiter) {
        try {
            long result = LibRbd.returnValue(completion);
            LibRbd.release(completion);
            IoCompletion request = CompletionRegistry.instance().get((int) waiter);
            if (result == 0) {
                request.onWhollyDone(); // librbd returns 0 for a write, whatever its length
            } else {
                if (result == BLOCKLISTED) {
                    onBlocklisted((int) (waiter >> 32));
                }
                request.onComplete(result);
            }
        } catch (Throwable t) {
            // what escapes an upcall ends the JVM
            LOG.error("a completion was lost", t);
        }
    }
}
