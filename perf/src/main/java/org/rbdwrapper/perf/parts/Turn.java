package org.rbdwrapper.perf.parts;

import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.ways.WayKind;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** A job and the ways that do it, as far as the machine has them and their programs can. */
record Turn(Job job, Set<WayKind> ways) {
    private static final List<Integer> CLIENTS = List.of(1, 2, 4, 8, 16);
    private static final WayKind[] SCALING = {
        WayKind.IN_PROCESS, WayKind.PRELOAD, WayKind.RBD_FUSE
    };

    private static Turn of(Job job, WayKind... ways) {
        return new Turn(job, EnumSet.copyOf(Arrays.asList(ways)));
    }

    /**
     * @param barsOnly what the bars need; else all.
     */
    static List<Turn> ways(boolean barsOnly) {
        if (!barsOnly) {
            return Job.ALL.stream().map(job -> of(job, WayKind.values())).toList();
        }
        WayKind[] ours = {WayKind.IN_PROCESS, WayKind.JAVA, WayKind.PRELOAD};
        WayKind[] oursAndNbd = {
            WayKind.IN_PROCESS, WayKind.JAVA, WayKind.PRELOAD, WayKind.QEMU_NBD
        };
        return List.of(
                of(Job.READ_1, WayKind.values()),
                of(Job.READ_16, oursAndNbd),
                of(Job.READ_64, oursAndNbd),
                of(Job.WRITE_16, ours),
                of(Job.READ_1M, ours),
                of(Job.WRITE_1M, ours));
    }

    static List<Turn> scaling(boolean barsOnly) {
        Stream<Integer> clients =
                CLIENTS.stream()
                        .filter(
                                count ->
                                        !barsOnly
                                                || count.equals(CLIENTS.getFirst())
                                                || count.equals(CLIENTS.getLast()));
        return clients.map(count -> of(Job.clients(count), SCALING)).toList();
    }

    static List<Turn> stores(boolean barsOnly) {
        Stream<Job> jobs = barsOnly ? Stream.of(Job.READ_1) : Stream.of(Job.READ_1, Job.WRITE_1);
        return jobs.map(job -> of(job, WayKind.values())).toList();
    }
}
