package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.nativelib.NativeProgram;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Random;

/**
 * A shell that has an image's descriptor and does nothing with it itself while the broker is
 * replaced: those whom it starts then share the descriptor's position, image and rights as before.
 */
final class PassedDescriptorsOverDeathSystemTest {
    private static final int SIZE = 1 << 20;
    private static final int CHUNK = 10;

    private final byte[] bytes = new byte[SIZE];
    private BrokerProcess broker;
    private String path;

    @BeforeEach
    void startBroker() throws Exception {
        broker = BrokerProcess.start("--store", "file");
        path = broker.createAndMap("img", SIZE);
        new Random(1).nextBytes(bytes);
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            file.write(ByteBuffer.wrap(bytes), 0);
            file.force();
        }
    }

    @AfterEach
    void stopBroker() throws Exception {
        broker.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"killed", "replaced", "killed twice"})
    void shouldShareThePositionWithTheNextBroker(String how) throws Exception {
        try (Shell shell = new Shell("exec 3<" + path)) {
            assertArrayEquals(chunk(0), shell.take("head -c 10 <&3"));
            int losses = how.equals("killed twice") ? 2 : 1;
            for (int i = 0; i < losses; i++) {
                if (how.equals("replaced")) {
                    broker.stopForSuccessor();
                } else {
                    broker.kill();
                }
                broker.startAgain();
            }
            assertArrayEquals(chunk(1), shell.take("dd bs=10 count=1 status=none <&3"));
            assertArrayEquals(
                    chunk(2), shell.take("python3 -c 'import os; os.write(1, os.read(3, 10))'"));
            assertArrayEquals(chunk(3), shell.take("head -c 10 <&3"));
        }
    }

    @Test
    void shouldKeepTheImageInUseWithTheNextBroker() throws Exception {
        try (Shell shell = new Shell("exec 3<" + path)) {
            assertArrayEquals(chunk(0), shell.take("head -c 10 <&3"));
            broker.kill();
            broker.startAgain();
            assertArrayEquals(chunk(1), shell.take("head -c 10 <&3"));
            try (BrokerAdmin admin = broker.admin()) {
                assertThrows(ErrnoException.class, () -> admin.unmap(path, false));
            }
        }
        try (BrokerAdmin admin = broker.admin()) {
            admin.unmap(path, false);
        }
    }

    private byte[] chunk(int index) {
        return java.util.Arrays.copyOfRange(bytes, index * CHUNK, (index + 1) * CHUNK);
    }

    /** A bash that is told what to run, one after the other. */
    private final class Shell implements AutoCloseable {
        private final Process process;
        private final OutputStream commands;
        private final InputStream output;

        Shell(String first) throws IOException {
            ProcessBuilder builder = new ProcessBuilder("/bin/bash");
            builder.redirectError(ProcessBuilder.Redirect.INHERIT);
            builder.environment()
                    .putAll(
                            Map.of(
                                    "LD_PRELOAD",
                                    NativeProgram.FOLDER.resolve("librbdwrapper.so").toString(),
                                    "RBDW_RUN_DIR",
                                    broker.runDir().toString()));
            process = builder.start();
            commands = process.getOutputStream();
            output = process.getInputStream();
            say(first);
        }

        private void say(String command) throws IOException {
            commands.write((command + "\n").getBytes(UTF_8));
            commands.flush();
        }

        byte[] take(String command) throws IOException {
            say(command);
            return output.readNBytes(CHUNK);
        }

        @Override
        public void close() throws IOException {
            commands.close();
            assertEquals(0, process.onExit().join().exitValue());
        }
    }
}
