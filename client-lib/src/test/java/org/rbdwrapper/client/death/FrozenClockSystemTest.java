package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A program whose clock another preloaded library has stopped. */
@Timeout(120)
final class FrozenClockSystemTest {
    private static final int LIMIT_SECONDS = 60;

    /** Reads and writes once more when it is told to by the end of its input. */
    private static final String WRITES =
            """
            import os, sys, time
            assert time.time() == 1577836800 and time.monotonic() == time.monotonic()
            image = os.open(sys.argv[1], os.O_RDWR)
            assert os.pwrite(image, b"1", 0) == 1
            print("writing", flush=True)
            sys.stdin.read()
            assert os.pread(image, 1, 0) == b"1"
            assert os.pwrite(image, b"2", 0) == 1 and os.fsync(image) is None
            """;

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void shouldGoOnWithNextBroker(boolean isClocksFirst) throws Exception {
        String ours = NativeProgram.FOLDER.resolve("librbdwrapper.so").toString();
        String clocks = clockLibrary();
        try (BrokerProcess broker = BrokerProcess.start("--store", "file")) {
            String path = broker.createAndMap("img", 1 << 20);
            Process program =
                    PreloadedPython.start(
                            broker.runDir(),
                            WRITES,
                            path,
                            Map.of(
                                    "LD_PRELOAD",
                                    isClocksFirst ? clocks + ":" + ours : ours + ":" + clocks,
                                    "FAKETIME",
                                    "2020-01-01 00:00:00",
                                    "TZ",
                                    "UTC"));
            try (BufferedReader output = program.inputReader(StandardCharsets.UTF_8)) {
                try (OutputStream input = program.getOutputStream()) {
                    assertEquals("writing", output.readLine());
                    broker.kill();
                    broker.startAgain();
                    input.flush();
                }
                assertEquals(true, program.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS));
                assertEquals(0, program.exitValue());
            } finally {
                program.destroyForcibly();
            }
        }
    }

    private static String clockLibrary() throws IOException {
        try (Stream<Path> folders = Files.list(Path.of("/usr/lib"))) {
            var found =
                    folders.map(folder -> folder.resolve("faketime/libfaketime.so.1"))
                            .filter(Files::exists)
                            .findFirst();
            assumeTrue(found.isPresent(), "faketime is not installed");
            return found.get().toString();
        }
    }
}
