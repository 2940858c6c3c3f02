package org.rbdwrapper.broker.fuzz;

import org.rbdwrapper.broker.map.JournalFuzz;
import org.rbdwrapper.broker.messenger.RequestRingFuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** What is fuzzed in Java, and the inputs of it that are kept in {@code src/test/fuzz}. */
public enum FuzzTarget {
    RING(RequestRingFuzz.class, RequestRingFuzz::fuzzerTestOneInput),
    CONTROL(ControlFramesFuzz.class, ControlFramesFuzz::fuzzerTestOneInput),
    JOURNAL(JournalFuzz.class, JournalFuzz::fuzzerTestOneInput);

    private final Class<?> type;
    private final Consumer<byte[]> run;

    FuzzTarget(Class<?> type, Consumer<byte[]> run) {
        this.type = type;
        this.run = run;
    }

    public Class<?> type() {
        return type;
    }

    /** The folder of its inputs, below that of this module. */
    public Path corpus(Path module) {
        return module.resolve("src/test/fuzz").resolve(name().toLowerCase(java.util.Locale.ROOT));
    }

    /**
     * Runs all inputs of a folder; how many.
     *
     * @throws IllegalStateException what one of them found, with its name.
     */
    int replay(Path corpus) throws IOException {
        List<Path> inputs;
        try (Stream<Path> files = Files.list(corpus)) {
            inputs = files.sorted().toList();
        }
        for (Path input : inputs) {
            try {
                run.accept(Files.readAllBytes(input));
            } catch (RuntimeException e) {
                throw new IllegalStateException(input + ": " + e.getMessage(), e);
            }
        }
        return inputs.size();
    }
}
