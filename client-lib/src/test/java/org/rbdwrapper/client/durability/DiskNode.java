package org.rbdwrapper.client.durability;

/** What a name of a disk stands for. */
sealed interface DiskNode permits DiskFile, DiskFolder {
    /** What was done to it before this event is durable. */
    void sync(long before);
}
