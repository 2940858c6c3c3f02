package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Programs that begin while there is no broker. */
final class FirstOpenSystemTest {
    private static final int LIMIT_SECONDS = 60;
    private static final int SIZE = 1 << 20;

    /** That a program waits which never had a broker. */
    private static final int FIRST_BROKER_SECONDS = 10;

    private static final String PYTHON = "/usr/bin/python3";
    private static final String OPENS_TWICE =
            """
            import sys
            for line in ("once", "twice"):
                with open(sys.argv[1], "rb", 0) as image:
                    assert len(image.read(512)) == 512
                print(line, flush=True)
                sys.stdin.read()
            """;

    private BrokerProcess broker;
    private String path;

    /** Each reads the image once. */
    enum Reader {
        JAVA {
            @Override
            List<String> command(String image) {
                return List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "@" + Path.of("src", "main", "jvm", "client.jvmopts").toAbsolutePath(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Path.of("src", "examples", "ReadImage.java").toAbsolutePath().toString(),
                        image,
                        "512");
            }
        },
        PRELOAD {
            @Override
            List<String> command(String image) {
                return List.of("/usr/bin/head", "-c", "512", image);
            }
        };

        abstract List<String> command(String image);
    }

    @BeforeEach
    void startBroker() throws Exception {
        broker = BrokerProcess.start("--store", "file");
        path = broker.createAndMap("img", SIZE);
    }

    @AfterEach
    void stopBroker() throws Exception {
        broker.close();
    }

    @ParameterizedTest
    @EnumSource(Reader.class)
    void shouldWaitForTheBrokerThatIsToCome(Reader reader) throws Exception {
        broker.stopForSuccessor();
        Process program = start(reader, Map.of());
        try {
            assertTrue(!program.waitFor(1500, TimeUnit.MILLISECONDS), "it did not wait");
            broker.startAgain();
            assertTrue(program.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS));
            assertEquals(0, program.exitValue());
        } finally {
            program.destroyForcibly();
        }
    }

    @ParameterizedTest
    @EnumSource(Reader.class)
    void shouldNotWaitForLongerThanItIsTold(Reader reader) throws Exception {
        broker.stopForSuccessor();
        assertFails(reader, Map.of("RBDW_RECONNECT_TIMEOUT", "0.3"));
        broker.startAgain();
    }

    @ParameterizedTest
    @EnumSource(Reader.class)
    void shouldNotWaitForeverForABrokerThatDoesNotCome(Reader reader) throws Exception {
        broker.stopForSuccessor();
        assertFails(reader, Map.of());
        broker.startAgain();
    }

    @ParameterizedTest
    @EnumSource(Reader.class)
    void shouldNotWaitWhereNoneIsToCome(Reader reader) throws Exception {
        broker.stop();
        assertFails(reader, Map.of());
        broker.startAgain();
    }

    /** As one with files open does: it may just have closed its last. */
    @Test
    void shouldWaitForTheNextBrokerWhereItHadOne() throws Exception {
        assumeTrue(Files.isExecutable(Path.of(PYTHON)), "python3 is not installed");
        Process program =
                start(
                        List.of(PYTHON, "-c", OPENS_TWICE, path),
                        Map.of("LD_PRELOAD", preloadLibrary()),
                        ProcessBuilder.Redirect.PIPE);
        try (BufferedReader output = program.inputReader(StandardCharsets.UTF_8)) {
            assertEquals("once", output.readLine());
            broker.kill();
            program.getOutputStream().close();
            assertTrue(
                    !program.waitFor(FIRST_BROKER_SECONDS + 1, TimeUnit.SECONDS),
                    "it did not wait");
            broker.startAgain();
            assertTrue(program.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS));
            assertEquals(0, program.exitValue());
        } finally {
            program.destroyForcibly();
        }
    }

    private void assertFails(Reader reader, Map<String, String> environment) throws Exception {
        Process program = start(reader, environment);
        try {
            assertTrue(program.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS), "it waits for ever");
            assertEquals(1, program.exitValue());
        } finally {
            program.destroyForcibly();
        }
    }

    private Process start(Reader reader, Map<String, String> environment) throws IOException {
        Map<String, String> all = new HashMap<>(environment);
        if (reader == Reader.PRELOAD) {
            all.put("LD_PRELOAD", preloadLibrary());
        }
        return start(reader.command(path), all, ProcessBuilder.Redirect.DISCARD);
    }

    private Process start(
            List<String> words, Map<String, String> environment, ProcessBuilder.Redirect output)
            throws IOException {
        ProcessBuilder builder =
                new ProcessBuilder(words)
                        .redirectOutput(output)
                        .redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().put("RBDW_RUN_DIR", broker.runDir().toString());
        builder.environment().putAll(environment);
        return builder.start();
    }

    private static String preloadLibrary() {
        return NativeProgram.FOLDER.resolve("librbdwrapper.so").toString();
    }
}
