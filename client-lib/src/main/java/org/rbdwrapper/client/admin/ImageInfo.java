package org.rbdwrapper.client.admin;

import java.time.Instant;

/**
 * An image of the store.
 *
 * @param size bytes.
 * @param objectSize bytes.
 * @param features RBD feature bits, 0 on a store that has none.
 * @param blockNamePrefix empty on a store that has none.
 */
public record ImageInfo(
        long size,
        long objectSize,
        long snapshotCount,
        long features,
        Instant createdAt,
        String spec,
        String imageId,
        String blockNamePrefix) {}
