package org.rbdwrapper.perf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;

/** The script as it is used, with samples too short to say anything about time. */
@Timeout(180)
class CompareSystemTest {
    @TempDir private Path folder;

    @Test
    void shouldMeasureEveryKindWithoutAClusterAndLeaveNothingBehind() throws Exception {
        JsonObject findings = compare("--part", "memory,stores,idle", "--seconds", "0.1");
        JsonObject memory = findings.getAsJsonObject("memory").getAsJsonObject("samples");
        int kinds = 9 - findings.getAsJsonObject("memory").getAsJsonObject("leftOut").size();
        assertEquals(kinds, memory.size());
        for (Map.Entry<String, JsonElement> kind : memory.entrySet()) {
            JsonArray samples = kind.getValue().getAsJsonArray();
            assertEquals(1, samples.size(), kind.getKey());
            assertLoad(samples.get(0).getAsJsonObject());
        }
        assertRows(
                findings.getAsJsonObject("stores"),
                Set.of("PLAIN_FILE", "PRELOAD_MEMORY", "PRELOAD_FILE"));
        assertEquals(2, findings.getAsJsonObject("stores").getAsJsonArray("added").size());
        assertEquals(16, findings.getAsJsonObject("idle").get("clients").getAsInt());
        assertBars(findings, 3);
        assertPageNames("plain file, page cache", "librbdwrapper.so, file store");
    }

    @Test
    @Tag("ceph")
    void shouldRunEachJobThroughEveryWay() throws Exception {
        JsonObject findings = compare("--part", "ways,scaling,commands", "--seconds", "0.2");
        Set<String> left = findings.getAsJsonObject("leftOut").keySet();
        Set<String> kinds =
                new HashSet<>(Set.of("IN_PROCESS", "JAVA", "PRELOAD", "PRELOAD_ASLEEP"));
        Map.of(
                        "SPINNING", "librbd in C, spinning",
                        "QEMU_NBD", "qemu-nbd",
                        "RBD_FUSE", "rbd-fuse")
                .forEach(
                        (kind, label) -> {
                            if (!left.contains(label)) {
                                kinds.add(kind);
                            }
                        });
        assertRows(findings.getAsJsonObject("ways"), kinds);
        kinds.retainAll(Set.of("IN_PROCESS", "PRELOAD", "RBD_FUSE"));
        assertRows(findings.getAsJsonObject("scaling"), kinds);
        for (JsonElement row : findings.getAsJsonObject("scaling").getAsJsonArray("rows")) {
            JsonObject each = row.getAsJsonObject();
            if (each.getAsJsonObject("job").get("clients").getAsInt() > 1) {
                JsonObject footprint =
                        each.getAsJsonArray("samples")
                                .get(0)
                                .getAsJsonObject()
                                .getAsJsonObject("footprint");
                assertPositive(footprint, "pssKib", "threads");
            }
        }
        assertPositive(
                findings.getAsJsonObject("commands").getAsJsonObject("showmappedMillis"), "median");
        assertBars(findings, 18);
        assertPageNames("librbd in fio", "RbdFile", "librbdwrapper.so");
    }

    @Test
    @Tag("ceph")
    void shouldMeasureThePauseOfAReplacedBroker() throws Exception {
        JsonArray pauses =
                compare("--part", "pause").getAsJsonObject("pause").getAsJsonArray("pauses");
        assertEquals(
                List.of("file", "ceph"),
                pauses.asList().stream()
                        .map(pause -> pause.getAsJsonObject().get("store").getAsString())
                        .toList());
        for (JsonElement pause : pauses) {
            for (String how : List.of("restartSeconds", "killSeconds")) {
                assertPositive(
                        pause.getAsJsonObject().getAsJsonObject(how), "median", "min", "max");
            }
        }
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

    /** What the JSON says. */
    private JsonObject compare(String... arguments) throws Exception {
        Path json = folder.resolve("figures.json");
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(
                List.of("--rounds", "1", "--json", json.toString(), "--html", page().toString()));
        Process compare = start(all.toArray(String[]::new));
        assertTrue(compare.waitFor(170, TimeUnit.SECONDS), "compare does not end");
        assertEquals(0, compare.exitValue(), Files.readString(output()));
        assertNothingIsLeft();
        return JsonParser.parseString(Files.readString(json)).getAsJsonObject();
    }

    /** Each figure of each row, and each way in at least one. */
    private static void assertRows(JsonObject part, Set<String> ways) {
        Set<String> found = new HashSet<>();
        for (JsonElement element : part.getAsJsonArray("rows")) {
            JsonObject row = element.getAsJsonObject();
            found.add(row.get("way").getAsString());
            JsonObject sample = row.getAsJsonArray("samples").get(0).getAsJsonObject();
            assertLoad(sample.getAsJsonObject("load"));
            assertPositive(sample.getAsJsonObject("cost"), "clientCpuMicros");
            assertTrue(sample.getAsJsonObject("cost").get("wakes").getAsDouble() >= 0);
            for (String ratio : List.of("iops", "p50", "p99", "cpu")) {
                assertPositive(
                        row.getAsJsonObject("ratios").getAsJsonObject(ratio),
                        "median",
                        "min",
                        "max");
            }
        }
        assertEquals(ways, found);
    }

    private static void assertLoad(JsonObject load) {
        assertPositive(load, "operations", "iops", "p50Micros", "p99Micros", "p999Micros");
    }

    private static void assertPositive(JsonObject object, String... figures) {
        for (String figure : figures) {
            assertTrue(object.get(figure).getAsDouble() > 0, () -> figure + " in " + object);
        }
    }

    /** At least so many were measured. */
    private static void assertBars(JsonObject findings, int least) {
        long measured =
                findings.getAsJsonArray("bars").asList().stream()
                        .filter(bar -> bar.getAsJsonObject().has("measured"))
                        .count();
        assertTrue(measured >= least, () -> measured + " bars were measured");
    }

    /** Well-formed, with nothing to load from elsewhere. */
    private void assertPageNames(String... ways) throws Exception {
        DocumentBuilder parser = DocumentBuilderFactory.newInstance().newDocumentBuilder();
        Document page = parser.parse(page().toFile());
        String words = page.getDocumentElement().getTextContent();
        for (String way : ways) {
            assertTrue(words.contains(way), () -> "the page is without " + way);
        }
        for (String element : List.of("script", "link", "img")) {
            assertEquals(0, page.getElementsByTagName(element).getLength(), element);
        }
        assertFalse(Files.readString(page()).contains("url("), "the page's style loads something");
    }

    private Path page() {
        return folder.resolve("page.html");
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
