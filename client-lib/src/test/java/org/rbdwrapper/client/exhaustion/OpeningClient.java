package org.rbdwrapper.client.exhaustion;

import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.ipc.IoErrors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * Opens an image by a session of its own, and reads from it, at the start and for each line of its
 * input. Arguments: run directory, path.
 */
final class OpeningClient {
    private OpeningClient() {}

    public static void main(String[] args) throws IOException {
        Path runDir = Path.of(args[0]);
        int round = 0;
        do {
            runDir = runDir.resolve("."); // the same by another name
            try (RbdFile file = RbdFile.openAt(runDir, args[1])) {
                file.read(ByteBuffer.allocate(512), 0);
                System.out.println(round + " opened");
            } catch (IOException e) {
                System.out.println(round + " failed " + IoErrors.errno(e) + " " + e.getMessage());
            }
            round++;
        } while (System.in.read() >= 0);
    }
}
