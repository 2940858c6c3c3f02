package org.rbdwrapper.client.admin;

import java.util.OptionalLong;

/**
 * What is to be mapped, and for whom.
 *
 * @param name under {@code /rbdw}; empty for {@code image[@snap]}.
 * @param ownerUid empty: who asks.
 * @param mode permission bits, 0 to 0777.
 * @param options {@code key=value} separated by commas; may be empty.
 */
public record MapRequest(
        String spec,
        String name,
        boolean readOnly,
        OptionalLong ownerUid,
        OptionalLong ownerGid,
        int mode,
        String options) {
    /** As a device node of one's own. */
    public static final int DEFAULT_MODE = 0600;

    /** With the defaults of {@code rbdwrapper-adm map}. */
    public static MapRequest of(String spec) {
        return new MapRequest(
                spec, "", false, OptionalLong.empty(), OptionalLong.empty(), DEFAULT_MODE, "");
    }
}
