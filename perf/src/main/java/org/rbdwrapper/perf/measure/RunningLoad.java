package org.rbdwrapper.perf.measure;

import java.io.IOException;
import java.util.List;

/** A load that has been started. */
public interface RunningLoad {
    /** Processes of the program; those that serve it are not among them. */
    List<Long> pids();

    /** Returns when it has ended. */
    Sample await() throws IOException;
}
