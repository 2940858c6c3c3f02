package org.rbdwrapper.client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * Opens an image and allocates buffers again and again without closing any, until the collector has
 * had to give them back.
 *
 * <p>Arguments: run directory, path.
 */
public final class LosingClient {
    private static final int TIMES = 100;
    private static final int LENGTH = 1024 * 1024; // 16 of these are all that there are

    private LosingClient() {}

    public static void main(String[] args) throws Exception {
        for (int i = 0; i < TIMES; i++) {
            RbdFile lost = RbdFile.openAt(Path.of(args[0]), args[1]);
            ByteBuffer bytes = allocate(lost);
            bytes.put(0, (byte) i);
            lost.write(bytes.duplicate(), 0);
        }
    }

    private static ByteBuffer allocate(RbdFile file) throws InterruptedException {
        while (true) {
            try {
                return file.allocate(LENGTH).bytes();
            } catch (IOException e) {
                System.gc();
                Thread.sleep(10);
            }
        }
    }
}
