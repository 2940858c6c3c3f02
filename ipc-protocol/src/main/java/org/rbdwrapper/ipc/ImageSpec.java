package org.rbdwrapper.ipc;

import java.nio.charset.StandardCharsets;

/**
 * Ceph's image-spec, {@code [pool/[namespace/]]image[@snap]}.
 *
 * @param namespace empty for the pool's default namespace.
 * @param snap empty for the image itself.
 */
public record ImageSpec(String pool, String namespace, String image, String snap) {
    public static final String DEFAULT_POOL = "rbd";

    /**
     * RBD_MAX_IMAGE_NAME_SIZE of librbd.h less its terminating zero: what a directory entry of an
     * image may hold.
     */
    public static final int MAX_IMAGE_NAME_BYTES = 95;

    /**
     * What we accept of a pool, a namespace or a snapshot, in bytes; a file name of the embedded
     * store must hold it.
     */
    public static final int MAX_NAME_BYTES = 200;

    public ImageSpec {
        check("pool", pool, MAX_NAME_BYTES, false);
        check("namespace", namespace, MAX_NAME_BYTES, true);
        check("image", image, MAX_IMAGE_NAME_BYTES, false);
        check("snapshot", snap, MAX_NAME_BYTES, true);
    }

    /**
     * Reads what a person typed.
     *
     * @throws IllegalArgumentException with one line that says what is wrong with it.
     */
    public static ImageSpec parse(String text) {
        String[] parts = text.split("/", -1);
        if (parts.length > 3) {
            throw new IllegalArgumentException(
                    "image spec "
                            + quote(text)
                            + " has too many slashes: give [pool/[namespace/]]image[@snap]");
        }
        String last = parts[parts.length - 1];
        int at = last.indexOf('@');
        if (at >= 0 && at == last.length() - 1) {
            throw new IllegalArgumentException(
                    "image spec "
                            + quote(text)
                            + " ends with '@': give the snapshot's name after it");
        }
        String image = at < 0 ? last : last.substring(0, at);
        String snap = at < 0 ? "" : last.substring(at + 1);
        String pool = parts.length > 1 ? parts[0] : DEFAULT_POOL;
        String namespace = parts.length > 2 ? parts[1] : "";
        return new ImageSpec(pool, namespace, image, snap);
    }

    /** The default name under {@code /rbdw}: {@code image[@snap]}. */
    public String defaultName() {
        return snap.isEmpty() ? image : image + "@" + snap;
    }

    public boolean isSnapshot() {
        return !snap.isEmpty();
    }

    /** The same image without its snapshot. */
    public ImageSpec head() {
        return isSnapshot() ? new ImageSpec(pool, namespace, image, "") : this;
    }

    /** {@code pool/[namespace/]image[@snap]}, which {@link #parse} reads back. */
    @Override
    public String toString() {
        return pool + "/" + (namespace.isEmpty() ? "" : namespace + "/") + defaultName();
    }

    private static void check(String what, String name, int maxBytes, boolean mayBeEmpty) {
        if (name.isEmpty() && !mayBeEmpty) {
            throw new IllegalArgumentException(
                    "the " + what + " name is empty: give [pool/[namespace/]]image[@snap]");
        }
        if (name.getBytes(StandardCharsets.UTF_8).length > maxBytes) {
            throw new IllegalArgumentException(
                    "the "
                            + what
                            + " name "
                            + quote(name)
                            + " is longer than "
                            + maxBytes
                            + " bytes");
        }
        if (name.equals(".") || name.equals("..")) {
            throw new IllegalArgumentException("the " + what + " name may not be " + quote(name));
        }
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (Character.isISOControl(c) || c == '/' || c == '@') {
                throw new IllegalArgumentException(
                        "the "
                                + what
                                + " name "
                                + quote(name)
                                + " holds a control character, '/' or '@'");
            }
        }
    }

    /** For messages: control characters are shown as escapes, so that a message stays one line. */
    public static String quote(String text) {
        StringBuilder quoted = new StringBuilder("'");
        for (int i = 0; i < text.length() && i < 200; i++) {
            char c = text.charAt(i);
            if (Character.isISOControl(c)) {
                quoted.append(String.format("\\u%04x", (int) c));
            } else {
                quoted.append(c);
            }
        }
        return quoted.append(text.length() > 200 ? "…'" : "'").toString();
    }
}
