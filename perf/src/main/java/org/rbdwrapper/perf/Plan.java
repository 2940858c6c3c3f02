package org.rbdwrapper.perf;

/**
 * How long and how often.
 *
 * @param memoryRounds samples of each kind on the memory store.
 * @param memorySeconds length of one of them.
 * @param cephPairs pairs of fio and ours at each depth.
 * @param cephSeconds length of one of a pair.
 * @param warmUpSeconds before the first sample of a kind, unmeasured: the compilers of the JVMs.
 */
record Plan(
        int memoryRounds,
        double memorySeconds,
        int cephPairs,
        double cephSeconds,
        double warmUpSeconds) {
    static final int BLOCK = 4096;
    static final long MEMORY_IMAGE_BYTES = 256L << 20;
    static final long CEPH_IMAGE_BYTES = 1L << 30;

    static final Plan FULL = new Plan(7, 3, 7, 4, 5);
    static final Plan QUICK = new Plan(3, 0.8, 3, 1, 1.5);
}
