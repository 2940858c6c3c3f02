package org.rbdwrapper.perf.ways;

import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.measure.RunningLoad;
import org.rbdwrapper.perf.measure.Timeline;

import java.io.IOException;
import java.util.List;

/** A way in which a program reaches an image. */
public interface Way {
    WayKind kind();

    /** Empty where it can be used on this machine, else what is missing. */
    default String missing() throws IOException {
        return "";
    }

    /** Whether its program can do this. */
    default boolean does(Job job) {
        return true;
    }

    /** Whether the first load of each job is unmeasured: a compiler is at work in it. */
    default boolean warmsUp() {
        return false;
    }

    /** The image, which is full, is about to be used. */
    default void begin(String image) throws IOException {}

    /** Begins a load on an image between {@link #begin} and {@link #end}. */
    RunningLoad start(String image, Job job, Timeline timeline) throws IOException;

    /** Processes beside the program's that work for it. */
    default List<Long> servers() {
        return List.of();
    }

    /** The image is not used any more by this way. */
    default void end(String image) throws IOException {}
}
