package org.rbdwrapper.broker.store;

import org.rbdwrapper.ipc.ImageSpec;

/**
 * An image, or a snapshot of one, by what it is and not by what it is called: it may be renamed,
 * and another image may take its name. Equal are those of one image, whatever they call it.
 *
 * @param spec what it was called when it was named; where it is now is in the same pool and
 *     namespace.
 * @param imageId the store's identity of it; empty where that is not known, and the name counts.
 * @param snapshotId the store's identity of the snapshot; {@link #NO_SNAPSHOT} for the image
 *     itself, and where only the name is known.
 */
public record ImageRef(ImageSpec spec, String imageId, long snapshotId) {
    public static final long NO_SNAPSHOT = -1;

    /** Of which only the name is known. */
    public static ImageRef named(ImageSpec spec) {
        return new ImageRef(spec, "", NO_SNAPSHOT);
    }

    /** Whether it is known what it is, and not only what it was called. */
    public boolean isKnown() {
        return !imageId.isEmpty();
    }

    /** The image whose snapshot it is; itself where it is none. */
    public ImageRef head() {
        return new ImageRef(spec.head(), imageId, NO_SNAPSHOT);
    }

    /** Constant and different for different images; not for people. */
    public String key() {
        return isKnown()
                ? String.join("/", spec.pool(), spec.namespace(), imageId, snapshotKey())
                : spec.toString();
    }

    private String snapshotKey() {
        return spec.isSnapshot() ? Long.toUnsignedString(snapshotId) : "";
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ImageRef ref
                && isKnown() == ref.isKnown()
                && key().equals(ref.key());
    }

    @Override
    public int hashCode() {
        return key().hashCode();
    }

    /** What it was called. */
    @Override
    public String toString() {
        return spec.toString();
    }
}
