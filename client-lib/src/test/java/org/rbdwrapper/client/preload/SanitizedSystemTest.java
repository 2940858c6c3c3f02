package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The library built with AddressSanitizer and UndefinedBehaviorSanitizer, under programs that use
 * all families of calls, and as it is under valgrind. What either finds ends the program with a
 * code of its own.
 */
final class SanitizedSystemTest extends PreloadFixture {
    private static final int FOUND = 99;
    private static final Path BUILD = Path.of("src", "main", "c", "build.sh").toAbsolutePath();
    private static final Path OUTPUT = Path.of("target", "c-sanitized").toAbsolutePath();
    private static final Path PROGRAMS = Path.of("src", "test", "programs").toAbsolutePath();
    private static final int BUILD_SECONDS = 180;

    private static String preload;

    @Override
    protected String store() {
        return "memory";
    }

    @BeforeAll
    static void buildSanitized() throws Exception {
        Path runtime = Path.of(output("cc", "-print-file-name=libasan.so").strip());
        preload =
                runtime.isAbsolute() ? runtime + " " + OUTPUT.resolve(LIBRARY.getFileName()) : null;
        if (preload == null) {
            return;
        }
        ProcessBuilder build = new ProcessBuilder("sh", BUILD.toString(), "library", "sanitized");
        build.environment().put("RBDW_C_OUTPUT", OUTPUT.toString());
        build.environment()
                .put(
                        "CFLAGS",
                        "-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined"
                                + " -fno-sanitize-recover=all"
                                // gcc's own instrumentation makes it warn without a reason
                                + " -Wno-maybe-uninitialized");
        File log = OUTPUT.resolveSibling("c-sanitized.log").toFile();
        Process process = build.redirectErrorStream(true).redirectOutput(log).start();
        assertTrue(process.waitFor(BUILD_SECONDS, TimeUnit.SECONDS), "the build takes too long");
        assertEquals(0, process.exitValue(), () -> "see " + log);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "cat $F | sha256sum; sha256sum < $F; cmp $F $P; cp $F $D/copy; od $F | tail -n 1",
                "dd if=$P of=$F bs=64K conv=fsync; (dd bs=1M count=1; dd bs=1M count=1) < $F |"
                        + " cksum",
                "echo to the image 1<>$F; exec 3<>$F; echo more >&3; read -u 3 line; cd /rbdw; ls"
                        + " -la",
                "stat $F; ls -l /rbdw; rm -f $F; mv $F $D/x; ln -sf $F $D/l; head -c 5 $D/l; flock"
                        + " $F true",
                "tail -n 3 $F | wc -c; truncate -s 1 $F; touch $F; chmod 1 $F; df $F; find /rbdw"
                        + " -ls",
            })
    void shouldFindNothingUnderEverydayPrograms(String commands) throws Exception {
        Twins twins = sanitizedTwins("programs-" + Integer.toHexString(commands.hashCode()));
        var result =
                shell(
                        sanitized(
                                Map.of(
                                        "F", twins.path(),
                                        "P", twins.file().toString(),
                                        "D", temporary.toString())),
                        commands);
        expectNothingFound(result);
        remove(twins.path());
    }

    @Test
    void shouldFindNothingUnderPython() throws Exception {
        requires("python3");
        Twins twins = sanitizedTwins("python");
        for (String program : new String[] {"python_files.py", "python_locks.py"}) {
            var result =
                    shell(
                            sanitized(Map.of("F", twins.path(), "D", temporary.toString())),
                            "exec python3 " + PROGRAMS.resolve(program) + " $F $D");
            expectNothingFound(result);
            assertEquals(0, result.exitCode(), result.errors());
        }
        remove(twins.path());
    }

    @Test
    void shouldFindNothingUnderForksAndThreads() throws Exception {
        Twins twins = sanitizedTwins("forks");
        run(sanitized(Map.of()), "fork_server", twins.path()).expectSuccess();
        run(sanitized(Map.of()), "thread_churn", twins.path(), "2000").expectSuccess();
        remove(twins.path());
    }

    @Test
    void shouldFindNothingUnderRandomSequences() throws Exception {
        assumeTrue(preload != null, "the compiler has no AddressSanitizer");
        String path = image("model", PreloadModelContract.SIZE);
        var result =
                run(
                        sanitized(Map.of()),
                        "preload_model",
                        path,
                        temporary.resolve("plain").toString(),
                        Integer.toString(MODEL_SECONDS),
                        "100000");
        expectNothingFound(result);
        assertEquals(0, result.exitCode(), () -> result.text() + result.errors());
        remove(path);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "cat $F",
                "dd if=/dev/zero of=$F bs=64K count=9 conv=notrunc,fsync",
                "sha256sum $F",
                "ls -la /rbdw",
                "$PROGRAMS/fork_server $F",
            })
    void shouldFindNothingByValgrind(String command) throws Exception {
        requires("valgrind");
        Twins twins = twins("valgrind-" + Integer.toHexString(command.hashCode()), 4 * MIB);
        var result =
                shell(
                        Map.of("F", twins.path(), "PROGRAMS", NativeProgram.FOLDER.toString()),
                        "exec valgrind -q --error-exitcode=" + FOUND + " " + command);
        assertEquals(0, result.exitCode(), result.errors());
        remove(twins.path());
    }

    private Twins sanitizedTwins(String name) throws Exception {
        assumeTrue(preload != null, "the compiler has no AddressSanitizer");
        return twins(name, 4 * MIB);
    }

    private static Map<String, String> sanitized(Map<String, String> environment) {
        Map<String, String> all = new HashMap<>(environment);
        all.put("LD_PRELOAD", preload);
        // bash and python leave what they allocated to the kernel
        all.put("ASAN_OPTIONS", "detect_leaks=0:exitcode=" + FOUND);
        all.put("UBSAN_OPTIONS", "print_stacktrace=1:exitcode=" + FOUND);
        return all;
    }

    private static void expectNothingFound(NativeProgram.Result result) {
        assertFalse(
                result.errors().contains("Sanitizer") || result.errors().contains("runtime error"),
                result.errors());
    }

    private static String output(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return Files.exists(Path.of(text.strip())) ? text : "";
    }
}
