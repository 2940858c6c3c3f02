package org.rbdwrapper.perf.ways;

import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.machine.Environment;

import java.nio.file.Path;
import java.util.List;

/** pread and pwrite of a plain file that is in the page cache. */
record PlainFileWay(Environment environment, Path file) implements FioWay {
    @Override
    public WayKind kind() {
        return WayKind.PLAIN_FILE;
    }

    @Override
    public List<String> options(String image, Job job) {
        // fio would throw it out of the page cache first
        return List.of(FioWay.engine(job), "--invalidate=0", "--filename=" + file);
    }
}
