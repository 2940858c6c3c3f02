package org.rbdwrapper.client.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.rbdwrapper.broker.fuzz.FuzzTarget;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Coverage-guided fuzzers of all that reads bytes of somebody else: of the broker by Jazzer, of the
 * C clients by libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer. All at the same
 * time, for some seconds; {@code -Drbdw.fuzz.seconds=3600} for an hour, {@code
 * -Drbdw.fuzz.targets=ring,path} for some of them.
 */
@Execution(ExecutionMode.SAME_THREAD)
final class FuzzSystemTest {
    private static final int SECONDS = Integer.getInteger("rbdw.fuzz.seconds", 8);
    private static final String TARGETS = System.getProperty("rbdw.fuzz.targets", "");
    private static final List<String> C_TARGETS =
            List.of("answers", "directory", "partition", "path", "replies");
    private static final Path OUTPUT = Path.of("target", "c-fuzz").toAbsolutePath();
    private static final Path C_CORPORA = Path.of("src", "test", "fuzz").toAbsolutePath();
    private static final Path BROKER = Path.of("..", "broker").toAbsolutePath().normalize();
    private static final Path BUILD = Path.of("src", "main", "c", "build.sh").toAbsolutePath();
    private static final int BUILD_SECONDS = 300;
    private static final String SANITIZERS =
            "-O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all -fsanitize=address,undefined";

    @TempDir Path temporary;

    @Test
    void shouldFindNothingInTheBroker() throws Exception {
        Map<String, List<String>> commands = new TreeMap<>();
        Map<String, Path> corpora = new TreeMap<>();
        for (FuzzTarget target : FuzzTarget.values()) {
            String name = target.name().toLowerCase(Locale.ROOT);
            commands.put(name, jazzer(target.type().getName()));
            corpora.put(name, target.corpus(BROKER));
        }
        runAll(commands, corpora);
    }

    @Test
    void shouldFindNothingInCClients() throws Exception {
        assumeTrue(
                hasLibFuzzer(),
                "clang with libFuzzer is not installed: the C fuzzers only run what is kept");
        build("clang", SANITIZERS + " -fsanitize=fuzzer");
        Map<String, List<String>> commands = new TreeMap<>();
        Map<String, Path> corpora = new TreeMap<>();
        for (String name : C_TARGETS) {
            commands.put(name, List.of(OUTPUT.resolve(name).toString()));
            corpora.put(name, C_CORPORA.resolve(name));
        }
        runAll(commands, corpora);
    }

    @Test
    void shouldFindNothingInWhatIsKeptOfCClients() throws Exception {
        assumeTrue(!hasLibFuzzer(), "it is fuzzed, which begins with what is kept");
        String compiler = System.getenv().getOrDefault("CC", "cc");
        assumeTrue(compiles(compiler, SANITIZERS), compiler + " has no AddressSanitizer");
        // gcc's own instrumentation makes it warn without a reason
        build(compiler, SANITIZERS + " -Wno-maybe-uninitialized");
        for (String name : C_TARGETS) {
            NativeProgram.Result result =
                    run(OUTPUT.resolve(name).toString(), C_CORPORA.resolve(name).toString());
            assertEquals(0, result.exitCode(), () -> name + ": " + result.errors());
            assertTrue(result.text().matches("[1-9][0-9]* inputs\n"), result.text());
        }
    }

    private static void runAll(Map<String, List<String>> commands, Map<String, Path> corpora)
            throws Exception {
        commands.keySet().removeIf(name -> !isWanted(name));
        List<FuzzRun> runs = new ArrayList<>();
        try {
            for (String name : commands.keySet()) {
                runs.add(FuzzRun.start(name, commands.get(name), corpora.get(name), SECONDS));
            }
            List<String> findings = new ArrayList<>();
            for (FuzzRun run : runs) {
                try {
                    System.out.println(run.await());
                } catch (AssertionError e) {
                    findings.add(e.getMessage());
                }
            }
            assertTrue(findings.isEmpty(), () -> String.join("\n", findings));
        } finally {
            runs.forEach(FuzzRun::close);
        }
    }

    private static boolean isWanted(String name) {
        return TARGETS.isEmpty() || List.of(TARGETS.split(",")).contains(name);
    }

    /** In a JVM as the broker's. */
    private static List<String> jazzer(String type) {
        // where JUnit's launcher is, Jazzer would look for tests
        String classPath =
                Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                        .filter(entry -> !entry.contains("junit"))
                        .collect(Collectors.joining(File.pathSeparator));
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "@" + BROKER.resolve("src/main/jvm/broker.jvmopts"),
                "-XX:+EnableDynamicAgentLoading", // Jazzer's own
                "-XX:+UseSerialGC",
                "-Xmx512m",
                "-cp",
                classPath,
                "com.code_intelligence.jazzer.Jazzer",
                "--target_class=" + type,
                "--instrumentation_includes=org.rbdwrapper.**",
                "--custom_hook_includes=org.rbdwrapper.**",
                "--reproducer_path=.");
    }

    private boolean hasLibFuzzer() throws Exception {
        return compiles("clang", SANITIZERS + " -fsanitize=fuzzer");
    }

    private boolean compiles(String compiler, String options) throws Exception {
        Path source = temporary.resolve("try.c");
        Files.writeString(
                source,
                options.contains("fuzzer")
                        ? "int LLVMFuzzerTestOneInput(const char *d, unsigned long n);"
                                + " int LLVMFuzzerTestOneInput(const char *d, unsigned long n)"
                                + " { return d == 0 && n > 0; }"
                        : "int main(void) { return 0; }");
        List<String> words = new ArrayList<>(List.of(compiler));
        words.addAll(List.of(options.split(" ")));
        words.addAll(List.of("-o", temporary.resolve("try").toString(), source.toString()));
        return onPath(compiler) && run(words.toArray(String[]::new)).exitCode() == 0;
    }

    private static boolean onPath(String program) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }

    private static NativeProgram.Result run(String... command) throws Exception {
        String[] words = command.clone();
        words[0] =
                Stream.of(System.getenv("PATH").split(File.pathSeparator))
                        .map(folder -> Path.of(folder, command[0]))
                        .filter(Files::isExecutable)
                        .map(Path::toString)
                        .findFirst()
                        .orElse(command[0]);
        try (NativeProgram program =
                NativeProgram.start(Path.of("/nonexistent"), Map.of(), new byte[0], words)) {
            return program.await();
        }
    }

    private static void build(String compiler, String options)
            throws IOException, InterruptedException {
        ProcessBuilder build = new ProcessBuilder("sh", BUILD.toString(), "fuzz", "fuzz");
        build.environment().put("RBDW_C_OUTPUT", OUTPUT.toString());
        build.environment().put("CC", compiler);
        build.environment().put("CFLAGS", options);
        File log = OUTPUT.resolveSibling("c-fuzz.log").toFile();
        Process process = build.redirectErrorStream(true).redirectOutput(log).start();
        assertTrue(process.waitFor(BUILD_SECONDS, TimeUnit.SECONDS), "the build takes too long");
        assertEquals(0, process.exitValue(), () -> text(log.toPath()));
    }

    private static String text(Path log) {
        try {
            return Files.readString(log, StandardCharsets.UTF_8);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
