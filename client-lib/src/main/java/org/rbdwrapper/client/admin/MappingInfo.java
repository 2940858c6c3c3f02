package org.rbdwrapper.client.admin;

import java.time.Instant;

/**
 * A mapped image.
 *
 * @param mode permission bits.
 * @param opens how many opens there are through it.
 */
public record MappingInfo(
        int id,
        long ownerUid,
        long ownerGid,
        int mode,
        boolean readOnly,
        int opens,
        Instant mappedAt,
        String pool,
        String namespace,
        String image,
        String snap,
        String path,
        String options) {}
