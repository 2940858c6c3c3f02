package org.rbdwrapper.broker.fuzz;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.rbdwrapper.broker.testing.JavaProcess;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** The inputs that fuzzers have found to go new ways, or that have found something once. */
final class FuzzCorpusTest {
    private static final Path MODULE = Path.of("").toAbsolutePath();
    private static final int SECONDS = 120;

    @TempDir Path temporary;

    @ParameterizedTest
    @EnumSource
    void shouldFindNothingInTheCorpus(FuzzTarget target) throws Exception {
        String output = replay(target, target.corpus(MODULE));
        assertTrue(output.matches("(?s).*[1-9][0-9]* inputs\n"), output);
    }

    @Test
    void shouldNameTheInputThatCannotBeRun() throws Exception {
        Path folder = Files.createDirectory(temporary.resolve("not-a-file"));
        IOException failure =
                assertThrows(IOException.class, () -> replay(FuzzTarget.RING, temporary));
        assertTrue(failure.getMessage().contains(folder.toString()), failure.getMessage());
    }

    /** In a process of its own: it changes what is logged. */
    private static String replay(FuzzTarget target, Path corpus) throws Exception {
        try (JavaProcess replay =
                JavaProcess.start(
                        Map.of(), Replay.class.getName(), target.name(), corpus.toString())) {
            return replay.awaitSuccess(SECONDS);
        }
    }
}
