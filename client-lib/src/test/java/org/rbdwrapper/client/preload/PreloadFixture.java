package org.rbdwrapper.client.preload;

import org.rbdwrapper.client.BrokerFixture;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/** Real programs under the preload library, and images for them. */
public abstract class PreloadFixture extends BrokerFixture {
    protected static final Path LIBRARY = NativeProgram.FOLDER.resolve("librbdwrapper.so");

    private static final int CHUNK = 4 * MIB;

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
        try (NativeProgram program = NativeProgram.start(runDir(), all, new byte[0], command)) {
            return program.await();
        }
    }

    /** Runs a command line by bash without the library: for the same on a plain file. */
    protected final NativeProgram.Result plainShell(String command) throws Exception {
        return run(Map.of("LD_PRELOAD", ""), "/bin/bash", "-c", command);
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

    /** What the image holds, read past the library. */
    protected final byte[] bytesOf(String path) throws IOException {
        try (RbdFile file = RbdFile.openAt(runDir(), path)) {
            ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(file.size()));
            file.read(bytes, 0);
            return bytes.array();
        }
    }
}
