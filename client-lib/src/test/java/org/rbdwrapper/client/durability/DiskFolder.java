package org.rbdwrapper.client.durability;

import java.util.TreeMap;

/** Names of a disk: as programs see them, and as they are for certain after a power loss. */
final class DiskFolder implements DiskNode {
    private final DiskNames names;
    final TreeMap<String, DiskNode> seen = new TreeMap<>();
    final TreeMap<String, DiskNode> durable = new TreeMap<>();

    DiskFolder(DiskNames names) {
        this.names = names;
    }

    @Override
    public void sync(long before) {
        names.sync(this, before);
    }
}
