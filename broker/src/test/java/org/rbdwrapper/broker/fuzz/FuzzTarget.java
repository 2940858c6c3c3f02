package org.rbdwrapper.broker.fuzz;

import org.rbdwrapper.broker.map.JournalFuzz;
import org.rbdwrapper.broker.messenger.RequestRingFuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** What is fuzzed in Java, and the inputs of it that are kept in {@code src/test/fuzz}. */
public enum FuzzTarget {
    RING(RequestRingFuzz.class),
    CONTROL(ControlFramesFuzz.class),
    JOURNAL(JournalFuzz.class);

    private final Class<?> type;

    FuzzTarget(Class<?> type) {
        this.type = type;
    }

    public Class<?> type() {
        return type;
    }

    /** The folder of its inputs, below that of this module. */
    public Path corpus(Path module) {
        return module.resolve("src/test/fuzz").resolve(name().toLowerCase(Locale.ROOT));
    }

    /**
     * Runs all inputs of a folder; how many.
     *
     * @throws IllegalStateException what one of them found, or why it cannot be read, with its
     *     name.
     */
    int replay(Path corpus) throws IOException {
        List<Path> inputs;
        try (Stream<Path> files = Files.list(corpus)) {
            inputs = files.sorted().toList();
        }
        for (Path input : inputs) {
            try {
                run(Files.readAllBytes(input));
            } catch (IOException | RuntimeException e) {
                throw new IllegalStateException(input + ": " + e.getMessage(), e);
            }
        }
        return inputs.size();
    }

    private void run(byte[] input) {
        switch (this) {
            case RING -> RequestRingFuzz.fuzzerTestOneInput(input);
            case CONTROL -> ControlFramesFuzz.fuzzerTestOneInput(input);
            case JOURNAL -> JournalFuzz.fuzzerTestOneInput(input);
        }
    }
}
