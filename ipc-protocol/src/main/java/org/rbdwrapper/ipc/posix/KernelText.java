package org.rbdwrapper.ipc.posix;

import java.io.IOException;
import java.io.RandomAccessFile;

/**
 * The beginning of a file of the kernel's, read again and again without an allocation. One thread
 * at a time.
 */
final class KernelText {
    private final String path;
    private RandomAccessFile file;
    private boolean isUnreadable;

    KernelText(String path) {
        this.path = path;
    }

    /** Bytes that were read into it; 0 where the file cannot be read, from then on. */
    int read(byte[] into) {
        if (isUnreadable) {
            return 0;
        }
        try {
            if (file == null) {
                file = new RandomAccessFile(path, "r");
            }
            file.seek(0);
            return Math.max(0, file.read(into));
        } catch (IOException e) {
            isUnreadable = true; // nobody looks then, which costs time and nothing else
            return 0;
        }
    }
}
