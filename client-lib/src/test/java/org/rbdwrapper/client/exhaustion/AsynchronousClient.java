package org.rbdwrapper.client.exhaustion;

import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.ipc.IoErrors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;

/**
 * Opens an image, and reads from it asynchronously for each line of its input. Arguments: run
 * directory, path.
 */
final class AsynchronousClient {
    private AsynchronousClient() {}

    public static void main(String[] args) throws Exception {
        Path runDir = Path.of(args[0]);
        loadClasses(runDir, args[1]);
        try (RbdFile file = RbdFile.openAt(runDir, args[1])) {
            System.out.println("open");
            for (int round = 0; System.in.read() >= 0; round++) {
                System.out.println(round + " " + read(file));
            }
        }
    }

    private static String read(RbdFile file) throws InterruptedException {
        try {
            file.readAsync(ByteBuffer.allocate(1), 0).get();
            return "read";
        } catch (ExecutionException e) {
            return IoErrors.errno(e).toString();
        }
    }

    /** They are files, too: by other sessions, to which the broker's directory has another name. */
    private static void loadClasses(Path runDir, String path) throws Exception {
        RbdFile file = RbdFile.openAt(runDir.resolve("."), path);
        read(file);
        file.close();
        read(file);
        try {
            RbdFile.openAt(runDir.resolve("nowhere"), path).close();
        } catch (IOException e) {
            IoErrors.errno(e);
        }
    }
}
