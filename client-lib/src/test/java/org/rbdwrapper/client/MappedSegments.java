package org.rbdwrapper.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What this process, client and perhaps broker, has mapped of sessions' shared memory since this
 * was made: that of other tests may go at any time, as their sessions are idle.
 */
public final class MappedSegments {
    /** Of a line of /proc/PID/maps: the inode, which no later one has. */
    private static final int INODE = 4;

    private final Set<String> others;

    private MappedSegments(Set<String> others) {
        this.others = others;
    }

    /** Not counting those that there are. */
    public static MappedSegments sinceNow() throws IOException {
        return new MappedSegments(Set.copyOf(all()));
    }

    /** One that both ends have mapped in this process counts twice. */
    public long count() throws IOException {
        return all().stream().filter(segment -> !others.contains(segment)).count();
    }

    /** Each by its inode. */
    public static List<String> all() throws IOException {
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            return maps.filter(line -> line.contains("memfd:rbdwrapper-session"))
                    .map(line -> line.split(" +")[INODE])
                    .collect(Collectors.toList());
        }
    }
}
