package org.rbdwrapper.client;

import java.lang.foreign.MemorySegment;

/** Tells which JVM option is missing, before something deep inside fails for want of it. */
final class JvmOptions {
    private JvmOptions() {}

    static void check() {
        Module base = Object.class.getModule();
        Module agrona = org.agrona.DirectBuffer.class.getModule();
        if (!base.isExported("jdk.internal.misc", agrona)) {
            throw new IllegalStateException(
                    "rbdwrapper needs the JVM option --add-exports"
                            + " java.base/jdk.internal.misc=ALL-UNNAMED");
        }
        checkNativeAccess();
    }

    /** Nothing tells beforehand whether the JVM refuses such calls or only warns at the first. */
    private static void checkNativeAccess() {
        if (JvmOptions.class.getModule().isNativeAccessEnabled()) {
            return;
        }
        try {
            MemorySegment.NULL.reinterpret(0);
        } catch (IllegalCallerException e) {
            throw new IllegalStateException(
                    "rbdwrapper needs the JVM option --enable-native-access=ALL-UNNAMED", e);
        }
    }
}
