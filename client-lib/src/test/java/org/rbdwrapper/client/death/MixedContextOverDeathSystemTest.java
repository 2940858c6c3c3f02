package org.rbdwrapper.client.death;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * A broker dies while a program has requests on an image and on a plain file in one context of
 * Linux' asynchronous I/O.
 */
final class MixedContextOverDeathSystemTest {
    private static final int SIZE = 8 << 20;

    @TempDir private Path temporary;

    @ParameterizedTest
    @ValueSource(strings = {"memory", "call"})
    void shouldCompleteWhatIsOfPlainFilesWhileNoBrokerIsThere(String taken) throws Exception {
        Path other = Files.write(temporary.resolve("other"), new byte[SIZE]);
        Path flag = temporary.resolve("flag");
        String library = NativeProgram.FOLDER.resolve("librbdwrapper.so").toString();
        try (BrokerProcess broker = BrokerProcess.start("--store", "file")) {
            String path = broker.createAndMap("img", SIZE);
            try (NativeProgram program =
                    NativeProgram.start(
                            broker.runDir(),
                            Map.of("LD_PRELOAD", library),
                            new byte[0],
                            "aio_ring_reader",
                            path,
                            other.toString(),
                            "away",
                            taken,
                            flag.toString())) {
                program.awaitLine("open");
                broker.kill();
                Files.createFile(flag);
                program.awaitLine("other");
                broker.startAgain();
                program.await().expectSuccess();
            }
        }
    }
}
