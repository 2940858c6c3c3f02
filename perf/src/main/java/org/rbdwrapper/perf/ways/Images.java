package org.rbdwrapper.perf.ways;

import org.rbdwrapper.perf.load.Job;

import java.io.IOException;

/** Where the images come from that the ways are compared on: all of one size, and full. */
public interface Images {
    long BYTES = 128L << 20;

    /** For one load; {@link #release} gives it back. */
    String acquire(Job job) throws IOException;

    void release(String image, Job job) throws IOException;
}
