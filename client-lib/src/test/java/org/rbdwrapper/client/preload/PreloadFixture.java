package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.rbdwrapper.broker.testing.CephCluster;
import org.rbdwrapper.client.BrokerFixture;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

/**
 * Real programs under the preload library, and images for them. A program that a machine lacks is
 * no failure: its test is skipped, and {@code ./verify} installs all of them where it may.
 */
public abstract class PreloadFixture extends BrokerFixture {
    protected static final Path LIBRARY = NativeProgram.FOLDER.resolve("librbdwrapper.so");

    /** mkfs and its kin are not on every user's. */
    private static final String PATH = System.getenv("PATH") + ":/usr/sbin:/sbin";

    private static final int CHUNK = 4 * MIB;

    /** Skips the test where one of these programs is not installed. */
    protected static void requires(String... programs) {
        for (String program : programs) {
            boolean found =
                    Stream.of(PATH.split(":"))
                            .anyMatch(dir -> Files.isExecutable(Path.of(dir, program)));
            assumeTrue(found, () -> program + " is not installed");
        }
    }

    /** An image and a plain file that hold the same random bytes. */
    protected final Twins twins(String name, long size) throws Exception {
        Path file = randomFile(name + ".plain", size, name.hashCode());
        String path = image(name, size);
        fill(path, file);
        return new Twins(path, file);
    }

    /**
     * The same done to an image under the library and to a plain file without it: the output, the
     * exit code and the bytes have to be the same.
     */
    protected final class Twins {
        private final String path;
        private final Path file;

        private Twins(String path, Path file) {
            this.path = path;
            this.file = file;
        }

        String path() {
            return path;
        }

        Path file() {
            return file;
        }

        /** A command line in which {@code $F} is the one or the other. Returns its output. */
        String expectSame(String command) throws Exception {
            NativeProgram.Result onImage =
                    shell(Map.of("F", path, "TMP_DIR", scratch("image").toString()), command);
            NativeProgram.Result onFile =
                    plainShell(
                            Map.of("F", file.toString(), "TMP_DIR", scratch("plain").toString()),
                            command);
            String expected = onFile.text().replace(file.toString(), "F");
            assertEquals(
                    expected,
                    onImage.text().replace(path, "F"),
                    () -> command + "\n" + onImage.errors() + "\n" + onFile.errors());
            assertEquals(
                    onFile.exitCode(), onImage.exitCode(), () -> command + "\n" + onImage.errors());
            return expected;
        }

        /** That nothing has been written but the same. */
        void expectSameBytes() throws Exception {
            long mismatch = Arrays.mismatch(Files.readAllBytes(file), bytesOf(path));
            assertEquals(-1, mismatch, "the first byte in which image and file differ");
        }

        void remove() throws Exception {
            expectSameBytes();
            PreloadFixture.this.remove(path);
        }

        private Path scratch(String name) throws IOException {
            return Files.createDirectories(temporary.resolve(name));
        }
    }

    /** Runs a command line by bash, which itself runs under the library. */
    protected final NativeProgram.Result shell(String command) throws Exception {
        return shell(Map.of(), command);
    }

    /** The same with more in its environment. */
    protected final NativeProgram.Result shell(Map<String, String> environment, String command)
            throws Exception {
        return run(environment, "/bin/bash", "-c", command);
    }

    /** Runs a program under the library; one of {@code src/test/c} where its name has no slash. */
    protected final NativeProgram.Result run(Map<String, String> environment, String... command)
            throws Exception {
        Map<String, String> all = new HashMap<>(environment);
        all.putIfAbsent("LD_PRELOAD", LIBRARY.toString());
        all.putIfAbsent("LC_ALL", "C.UTF-8");
        all.putIfAbsent("PATH", PATH);
        try (NativeProgram program = NativeProgram.start(runDir(), all, new byte[0], command)) {
            return program.await();
        }
    }

    /** Runs a command line by bash without the library. */
    protected final NativeProgram.Result plainShell(Map<String, String> environment, String command)
            throws Exception {
        Map<String, String> all = new HashMap<>(environment);
        all.put("LD_PRELOAD", "");
        return run(all, "/bin/bash", "-c", command);
    }

    /** A plain file of random bytes, the same for the same seed. */
    protected final Path randomFile(String name, long size, long seed) throws IOException {
        Path file = temporary.resolve(name);
        Random random = new Random(seed);
        byte[] chunk = new byte[CHUNK];
        try (OutputStream out = Files.newOutputStream(file)) {
            for (long left = size; left > 0; left -= chunk.length) {
                random.nextBytes(chunk);
                out.write(chunk, 0, (int) Math.min(left, chunk.length));
            }
        }
        return file;
    }

    /** Writes a file's bytes to the image, past the library. */
    protected final void fill(String path, Path from) throws IOException {
        byte[] bytes = Files.readAllBytes(from);
        try (RbdFile file = RbdFile.openAt(runDir(), path)) {
            file.write(ByteBuffer.wrap(bytes), 0);
            file.force();
        }
    }

    /** What the image holds, read past the library: on a cluster by {@code rbd export}. */
    protected final byte[] bytesOf(String path) throws Exception {
        if (store().equals("ceph")) {
            Path exported = temporary.resolve("exported");
            String image = path.substring("/rbdw/".length());
            CephCluster.get().rbd("export", "--no-progress", image, exported.toString());
            byte[] bytes = Files.readAllBytes(exported);
            Files.delete(exported);
            return bytes;
        }
        try (RbdFile file = RbdFile.openAt(runDir(), path)) {
            ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(file.size()));
            file.read(bytes, 0);
            return bytes.array();
        }
    }
}
