package org.rbdwrapper.client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * Writes an image's first byte over and over until it is killed.
 *
 * <p>Arguments: run directory, path.
 */
public final class WritingClient {
    private WritingClient() {}

    public static void main(String[] args) throws IOException {
        try (RbdFile file = RbdFile.openAt(Path.of(args[0]), args[1])) {
            ByteBuffer one = ByteBuffer.allocateDirect(1);
            for (long writes = 0; ; writes++) {
                file.write(one.clear(), 0);
                if (writes == 0) {
                    System.out.println("writing");
                }
            }
        }
    }
}
