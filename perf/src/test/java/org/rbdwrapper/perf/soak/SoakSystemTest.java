package org.rbdwrapper.perf.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The script as it is used, for some seconds: too short to judge memory by. */
@Timeout(400)
class SoakSystemTest {
    private static final String MINUTES = System.getProperty("rbdw.soak.minutes", "0.25");

    @TempDir private Path folder;

    @Test
    void shouldHoldNothingMoreAtTheEndOnFile() throws Exception {
        assertHolds(soak(MINUTES, "--store", "file"));
    }

    @Test
    @Tag("ceph")
    void shouldHoldNothingMoreAtTheEndOnCeph() throws Exception {
        assertHolds(soak(MINUTES, "--store", "ceph"));
    }

    @Test
    void shouldEndWhatItStartedWhenItIsTerminated() throws Exception {
        Process soak = soak("5", "--store", "file");
        while (!output().contains(" s old")) {
            assertTrue(soak.isAlive(), output());
            Thread.sleep(50);
        }
        soak.destroy();
        assertTrue(soak.waitFor(120, TimeUnit.SECONDS), "soak does not end");
        assertNothingIsLeft();
    }

    private void assertHolds(Process soak) throws Exception {
        assertTrue(soak.waitFor(380, TimeUnit.SECONDS), "soak does not end");
        assertEquals(0, soak.exitValue(), output());
        assertTrue(output().contains("it holds"), output());
        assertNothingIsLeft();
    }

    private Process soak(String minutes, String... arguments) throws IOException {
        Path script = Path.of("soak").toAbsolutePath();
        ProcessBuilder builder =
                new ProcessBuilder(
                        Stream.concat(
                                        Stream.of(script.toString(), "--minutes", minutes),
                                        Stream.of(arguments))
                                .toList());
        builder.environment().put("JAVA_TOOL_OPTIONS", "-Djava.io.tmpdir=" + folder);
        return builder.redirectErrorStream(true)
                .redirectOutput(folder.resolve("output").toFile())
                .start();
    }

    private String output() throws IOException {
        return Files.readString(folder.resolve("output"));
    }

    /** Neither its folder nor a process that has this in its command line. */
    private void assertNothingIsLeft() throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            assertEquals(
                    List.of(),
                    entries.filter(path -> path.getFileName().toString().startsWith("rbdw-perf"))
                            .toList());
        }
        List<String> left =
                ProcessHandle.allProcesses()
                        .map(process -> process.info().commandLine().orElse(""))
                        .filter(command -> command.contains(folder.resolve("rbdw-perf").toString()))
                        .toList();
        assertEquals(List.of(), left);
    }
}
