package org.rbdwrapper.broker.store.ceph;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** Tells images that their header has changed, by whatever host: rbd_update_watch. Any thread. */
final class UpdateWatches {
    private static final Logger LOG = LoggerFactory.getLogger(UpdateWatches.class);
    private static final long CALLBACK;

    static {
        try {
            CALLBACK =
                    Linker.nativeLinker()
                            .upcallStub(
                                    MethodHandles.lookup()
                                            .findStatic(
                                                    UpdateWatches.class,
                                                    "onUpdate",
                                                    MethodType.methodType(void.class, long.class)),
                                    FunctionDescriptor.ofVoid(JAVA_LONG),
                                    Arena.global())
                            .address();
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private UpdateWatches() {}

    static long callback() {
        return CALLBACK;
    }

    @SuppressWarnings("unused") // through CALLBACK
    private static void onUpdate(long number) {
        try {
            CephImage image = ImageNumbers.get((int) number);
            if (image != null) {
                // librbd's thread must not call into librbd and wait
                Thread.ofPlatform().daemon().name("image-update").start(image::refreshSize);
            }
        } catch (Throwable t) {
            LOG.error("an image's update was lost", t); // what escapes an upcall ends the JVM
        }
    }
}
