package org.rbdwrapper.perf.load;

import java.util.List;

/**
 * What is done to an image.
 *
 * @param rw fio's word for it: read, write, randread, randwrite, or randrw with 70 % reads.
 * @param block bytes of each request.
 * @param depth requests under way, of each client.
 * @param clients processes that do it at the same time.
 */
public record Job(String name, String rw, int block, int depth, int clients) {
    private static final int KIB = 1024;
    private static final int READ_PERCENT_MIXED = 70;

    public static final Job READ_1 = of("4 KiB random read, depth 1", "randread", 4, 1);
    public static final Job READ_16 = of("4 KiB random read, depth 16", "randread", 4, 16);
    public static final Job READ_64 = of("4 KiB random read, depth 64", "randread", 4, 64);
    public static final Job WRITE_1 = of("4 KiB random write, depth 1", "randwrite", 4, 1);
    public static final Job WRITE_16 = of("4 KiB random write, depth 16", "randwrite", 4, 16);
    public static final Job WRITE_64 = of("4 KiB random write, depth 64", "randwrite", 4, 64);
    public static final Job MIXED_16 = of("4 KiB random 70/30, depth 16", "randrw", 4, 16);
    public static final Job READ_64K = of("64 KiB sequential read, depth 4", "read", 64, 4);
    public static final Job WRITE_64K = of("64 KiB sequential write, depth 4", "write", 64, 4);
    public static final Job READ_1M = of("1 MiB sequential read, depth 4", "read", 1024, 4);
    public static final Job WRITE_1M = of("1 MiB sequential write, depth 4", "write", 1024, 4);

    /** As many bytes as a ping-pong's entry has. */
    public static final Job READ_ENTRY = new Job("64 B random read, depth 1", "randread", 64, 1, 1);

    public static final List<Job> ALL =
            List.of(
                    READ_1, READ_16, READ_64, WRITE_1, WRITE_16, WRITE_64, MIXED_16, READ_64K,
                    WRITE_64K, READ_1M, WRITE_1M);

    /** The same reads by so many processes, one request each. */
    public static Job clients(int clients) {
        String name = "4 KiB random read, %d client%s".formatted(clients, clients == 1 ? "" : "s");
        return new Job(name, "randread", 4 * KIB, 1, clients);
    }

    private static Job of(String name, String rw, int kib, int depth) {
        return new Job(name, rw, kib * KIB, depth, 1);
    }

    /** Each round of those that write has images of its own: the OSD's cost a write grows. */
    public boolean writes() {
        return !rw.endsWith("read");
    }

    public boolean isRandom() {
        return rw.startsWith("rand");
    }

    int readPercent() {
        return rw.endsWith("rw") ? READ_PERCENT_MIXED : writes() ? 0 : 100;
    }

    List<String> fioOptions() {
        return List.of(
                "--rw=" + rw,
                "--rwmixread=" + READ_PERCENT_MIXED,
                "--bs=" + block,
                "--iodepth=" + depth,
                "--numjobs=" + clients,
                "--group_reporting",
                "--norandommap",
                "--randrepeat=0");
    }
}
