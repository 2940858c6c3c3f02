package org.rbdwrapper.broker.store;

/**
 * What is known of an image.
 *
 * @param size bytes.
 * @param objectSize bytes that the store keeps together.
 * @param snapshotCount 0 or more.
 * @param features RBD feature bits, 0 on a store that has none.
 * @param imageId the identity, which outlives the name.
 * @param blockNamePrefix as {@code rbd info} shows it, empty on a store that has none.
 * @param times as {@link StoreImage#times}.
 */
public record ImageDetails(
        long size,
        int objectSize,
        int snapshotCount,
        long features,
        String imageId,
        String blockNamePrefix,
        ImageTimes times) {}
