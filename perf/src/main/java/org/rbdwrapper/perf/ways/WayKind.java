package org.rbdwrapper.perf.ways;

/** The ways that are compared. */
public enum WayKind {
    IN_PROCESS("librbd in fio"),
    SPINNING("librbd in C, spinning"),
    JAVA("RbdFile"),
    PRELOAD("librbdwrapper.so"),
    PRELOAD_ASLEEP("  the same, futex waits only"),
    QEMU_NBD("qemu-nbd"),
    RBD_FUSE("rbd-fuse"),
    PLAIN_FILE("plain file, page cache"),
    PRELOAD_MEMORY("librbdwrapper.so, memory store"),
    PRELOAD_FILE("librbdwrapper.so, file store");

    private final String label;

    WayKind(String label) {
        this.label = label;
    }

    /** For people; two blanks before it where it is a variant of the one above it. */
    public String label() {
        return label;
    }
}
