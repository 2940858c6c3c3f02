package org.rbdwrapper.broker.map;

import java.util.Set;

/**
 * Who may do what. The broker's own user and root administer images and the map; a mapping is
 * opened by whom its owner, group and mode allow, as a device node is.
 */
public final class Permissions {
    private static final int READ = 4;
    private static final int WRITE = 2;

    private final int brokerUid;

    public Permissions(int brokerUid) {
        this.brokerUid = brokerUid;
    }

    /**
     * Whether this user may create, resize, remove, map and unmap. The limits for one user do not
     * bind him either, so that he can always look and end who should be ended.
     */
    public boolean mayAdminister(int uid) {
        return uid == 0 || uid == brokerUid;
    }

    /** As the kernel decides for a file: the first class that fits counts, and root may do all. */
    public boolean mayOpen(
            Mapping mapping, int uid, Set<Integer> gids, boolean read, boolean write) {
        if (uid == 0) {
            return true;
        }
        int bits;
        if (uid == mapping.ownerUid()) {
            bits = mapping.mode() >> 6;
        } else if (gids.contains(mapping.ownerGid())) {
            bits = mapping.mode() >> 3;
        } else {
            bits = mapping.mode();
        }
        return (!read || (bits & READ) != 0) && (!write || (bits & WRITE) != 0);
    }
}
