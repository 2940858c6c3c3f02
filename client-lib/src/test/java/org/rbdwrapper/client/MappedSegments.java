package org.rbdwrapper.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** What this process, client and perhaps broker, has mapped of sessions' shared memory. */
public final class MappedSegments {
    private MappedSegments() {}

    public static long count() throws IOException {
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            return maps.filter(line -> line.contains("memfd:rbdwrapper-session")).count();
        }
    }
}
