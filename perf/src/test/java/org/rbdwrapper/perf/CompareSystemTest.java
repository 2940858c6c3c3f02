package org.rbdwrapper.perf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The script as it is used, with samples too short to say anything about time. */
@Timeout(180)
class CompareSystemTest {
    @TempDir private Path folder;

    @Test
    void shouldMeasureEveryKindOnTheMemoryStoreAndLeaveNothingBehind() throws Exception {
        Path json = folder.resolve("figures.json");
        Process compare = start("--part", "memory", "--seconds", "0.05", "--json", json.toString());
        assertTrue(compare.waitFor(150, TimeUnit.SECONDS), "compare does not end");
        assertEquals(0, compare.exitValue(), Files.readString(output()));
        JsonObject samples =
                JsonParser.parseString(Files.readString(json))
                        .getAsJsonObject()
                        .getAsJsonObject("memory")
                        .getAsJsonObject("samples");
        assertEquals(6, samples.size());
        for (Map.Entry<String, JsonElement> kind : samples.entrySet()) {
            for (JsonElement sample : kind.getValue().getAsJsonArray()) {
                assertTrue(
                        sample.getAsJsonObject().get("operations").getAsLong() > 0, kind.getKey());
            }
        }
        assertNothingIsLeft();
    }

    @Test
    @Tag("ceph")
    void shouldRunEachJobThroughEveryWay() throws Exception {
        Path json = folder.resolve("figures.json");
        Process compare = start("--part", "ways", "--seconds", "0.3", "--json", json.toString());
        assertTrue(compare.waitFor(170, TimeUnit.SECONDS), "compare does not end");
        assertEquals(0, compare.exitValue(), Files.readString(output()));
        JsonObject ways =
                JsonParser.parseString(Files.readString(json))
                        .getAsJsonObject()
                        .getAsJsonObject("ways");
        int left = 5 - ways.getAsJsonObject("leftOut").size();
        assertTrue(left >= 3, "librbd in fio and librbdwrapper.so need no more than Ceph and fio");
        assertEquals(3 * left, ways.getAsJsonArray("rows").size());
        for (JsonElement row : ways.getAsJsonArray("rows")) {
            assertEquals(3, row.getAsJsonObject().getAsJsonArray("samples").size());
        }
        assertNothingIsLeft();
    }

    @Test
    void shouldEndWhatItStartedWhenItIsTerminated() throws Exception {
        Process compare = start("--part", "memory", "--seconds", "20");
        List<ProcessHandle> children = List.of();
        while (!Files.readString(output()).contains("warming up") || children.size() < 3) {
            assertTrue(compare.isAlive(), Files.readString(output()));
            Thread.sleep(50);
            // the broker, its client, and the other side of the ping-pong
            children = compare.children().toList();
        }
        compare.destroy();
        assertTrue(compare.waitFor(60, TimeUnit.SECONDS), "compare does not end");
        for (ProcessHandle child : children) {
            assertTrue(!child.isAlive(), () -> child.info() + " is left");
        }
        assertNothingIsLeft();
    }

    private Process start(String... arguments) throws IOException {
        Path script = Path.of("compare").toAbsolutePath();
        ProcessBuilder builder =
                new ProcessBuilder(
                        Stream.concat(Stream.of(script.toString(), "--quick"), Stream.of(arguments))
                                .toList());
        builder.environment().put("JAVA_TOOL_OPTIONS", "-Djava.io.tmpdir=" + folder);
        return builder.redirectErrorStream(true).redirectOutput(output().toFile()).start();
    }

    private Path output() {
        return folder.resolve("output");
    }

    private void assertNothingIsLeft() throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            assertEquals(
                    List.of(),
                    entries.filter(path -> path.getFileName().toString().startsWith("rbdw-perf"))
                            .toList());
        }
    }
}
