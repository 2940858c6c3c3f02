package org.rbdwrapper.perf;

import java.io.IOException;
import java.util.List;
import java.util.Map;

/** A way in which a program, fio, reaches an image of the cluster. */
interface Way {
    String name();

    /** Empty where it can be used on this machine, else what is missing. */
    default String missing() {
        return "";
    }

    /** The image, which is full, is about to be used. */
    default void begin(String image) throws IOException {}

    /** fio's engine and what it needs to find the image. */
    List<String> options(String image, FioJob job);

    /** More for fio's environment. */
    default Map<String, String> environment() {
        return Map.of();
    }

    /** Processes beside fio that work for it. */
    default List<Long> servers() {
        return List.of();
    }

    /** The image is not used any more by this way. */
    default void end(String image) throws IOException {}
}
