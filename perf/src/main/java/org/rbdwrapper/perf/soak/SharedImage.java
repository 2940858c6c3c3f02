package org.rbdwrapper.perf.soak;

import org.rbdwrapper.client.RbdFile;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.SplittableRandom;

/**
 * An image that is written once, and then read by many.
 *
 * @param digest its SHA-256.
 */
record SharedImage(String path, String digest) {
    static SharedImage create(Administration administration, String name)
            throws IOException, InterruptedException {
        byte[] bytes = new byte[(int) ClientLife.SIZE];
        new SplittableRandom(System.nanoTime()).nextBytes(bytes);
        String path = administration.create(name, bytes.length);
        try (RbdFile file = RbdFile.openAt(administration.broker().runDir(), path)) {
            file.write(ByteBuffer.wrap(bytes), 0);
            file.force();
        }
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
            return new SharedImage(path, HexFormat.of().formatHex(digest));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    /**
     * @param printed by sha256sum, of this image or a copy.
     */
    void check(String printed, String of) throws IOException {
        if (!printed.strip().equals(digest + "  " + of)) {
            throw new IOException("sha256sum of " + of + ": not " + digest + ", but " + printed);
        }
    }
}
