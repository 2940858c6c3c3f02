package org.rbdwrapper.adm;

import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.ipc.IoErrors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * Holds an image open and reads from it for each line of its input, until a read fails. Arguments:
 * run directory, path.
 */
final class ImageHolder {
    private ImageHolder() {}

    public static void main(String[] args) throws IOException {
        try (RbdFile file = RbdFile.openAt(Path.of(args[0]), args[1])) {
            System.out.println("open");
            while (System.in.read() >= 0) {
                try {
                    file.read(ByteBuffer.allocate(512), 0);
                    System.out.println("read");
                } catch (IOException e) {
                    System.out.println("failed " + IoErrors.errno(e));
                    return;
                }
            }
        }
    }
}
