package org.rbdwrapper.perf;

import java.util.List;

/**
 * What fio does to an image.
 *
 * @param rw fio's word for it.
 * @param block bytes of each request.
 * @param depth requests under way.
 */
record FioJob(String name, String rw, int block, int depth) {
    private static final int KIB = 1024;

    static final List<FioJob> FULL =
            List.of(
                    new FioJob("4 KiB random read, depth 1", "randread", 4 * KIB, 1),
                    new FioJob("4 KiB random read, depth 16", "randread", 4 * KIB, 16),
                    new FioJob("4 KiB random read, depth 64", "randread", 4 * KIB, 64),
                    new FioJob("4 KiB random write, depth 1", "randwrite", 4 * KIB, 1),
                    new FioJob("4 KiB random write, depth 16", "randwrite", 4 * KIB, 16),
                    new FioJob("4 KiB random write, depth 64", "randwrite", 4 * KIB, 64),
                    new FioJob("4 KiB 70/30 mixed, depth 16", "randrw", 4 * KIB, 16),
                    new FioJob("64 KiB read, depth 4", "read", 64 * KIB, 4),
                    new FioJob("64 KiB write, depth 4", "write", 64 * KIB, 4),
                    new FioJob("1 MiB read, depth 4", "read", 1024 * KIB, 4),
                    new FioJob("1 MiB write, depth 4", "write", 1024 * KIB, 4));

    static final List<FioJob> QUICK = List.of(FULL.get(0), FULL.get(1), FULL.get(4));

    /** Each round of those that write has images of its own: the OSD's cost a write grows. */
    boolean writes() {
        return !rw.endsWith("read");
    }

    List<String> options() {
        return List.of(
                "--rw=" + rw,
                "--rwmixread=70",
                "--bs=" + block,
                "--iodepth=" + depth,
                "--norandommap",
                "--randrepeat=0");
    }
}
