package org.rbdwrapper.ipc;

/**
 * What a client and a broker must agree on before they talk. Another major: they part, and the
 * message names both. Another minor: they talk, and each leaves out what the other does not know.
 */
public final class ProtocolVersion {
    public static final int MAJOR = 1;

    public static final int MINOR = 0;

    private ProtocolVersion() {}

    /** The release of this build, for people. */
    public static String release() {
        String version = ProtocolVersion.class.getPackage().getImplementationVersion();
        return version != null ? version : "development";
    }

    /** Whether a peer of this version can be talked to. */
    public static boolean isSpokenWith(int major) {
        return major == MAJOR;
    }
}
