package org.rbdwrapper.client;

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
    }
}
