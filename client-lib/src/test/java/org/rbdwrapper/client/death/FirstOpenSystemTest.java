package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Programs that begin while there is no broker. */
final class FirstOpenSystemTest {
    private static final int LIMIT_SECONDS = 60;
    private static final int SIZE = 1 << 20;

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
        try (BrokerAdmin admin = broker.admin()) {
            admin.create("img", SIZE);
            path = admin.map(MapRequest.of("img"));
        }
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
        List<String> words = new ArrayList<>(reader.command(path));
        ProcessBuilder builder =
                new ProcessBuilder(words)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().put("RBDW_RUN_DIR", broker.runDir().toString());
        if (reader == Reader.PRELOAD) {
            builder.environment()
                    .put("LD_PRELOAD", NativeProgram.FOLDER.resolve("librbdwrapper.so").toString());
        }
        builder.environment().putAll(environment);
        return builder.start();
    }
}
