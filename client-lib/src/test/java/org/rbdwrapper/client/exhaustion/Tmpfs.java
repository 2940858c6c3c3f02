package org.rbdwrapper.client.exhaustion;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.rbdwrapper.ipc.posix.ProcessIdentity;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A disk of a few MiB that can be filled. */
final class Tmpfs implements AutoCloseable {
    private static final int BLOCK = 4096;

    private final Path folder;
    private final Path filler;

    private Tmpfs(Path folder) {
        this.folder = folder;
        this.filler = folder.resolve("filler");
    }

    /** Mounted there; the test is left out where this process may not mount. */
    static Tmpfs mount(Path folder, String size) throws IOException, InterruptedException {
        assumeTrue(ProcessIdentity.uid() == 0, "needs root to mount a small disk");
        Files.createDirectories(folder);
        Process mount =
                new ProcessBuilder(
                                "mount",
                                "-t",
                                "tmpfs",
                                "-o",
                                "size=" + size + ",mode=0755",
                                "tmpfs",
                                folder.toString())
                        .redirectErrorStream(true)
                        .start();
        String output = new String(mount.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assumeTrue(mount.waitFor() == 0, "a tmpfs cannot be mounted here: " + output);
        return new Tmpfs(folder);
    }

    /** Not one block is left. */
    void fill() throws IOException {
        byte[] block = new byte[BLOCK];
        try (OutputStream out =
                Files.newOutputStream(
                        filler, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            while (true) {
                out.write(block);
            }
        } catch (IOException e) {
            if (!String.valueOf(e.getMessage()).contains("No space left")) {
                throw e;
            }
        }
    }

    /** Only so much is left. */
    void fillBut(int kib) throws IOException {
        fill();
        try (FileChannel file = FileChannel.open(filler, StandardOpenOption.WRITE)) {
            file.truncate(file.size() - kib * 1024L);
        }
    }

    void relieve() throws IOException {
        Files.deleteIfExists(filler);
    }

    /** Nobody has a file of it open any more. */
    @Override
    public void close() throws IOException {
        try {
            new ProcessBuilder("umount", "--lazy", folder.toString()).inheritIO().start().waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
