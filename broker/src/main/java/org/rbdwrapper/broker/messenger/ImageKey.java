package org.rbdwrapper.broker.messenger;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** An image by its identity, in as many bytes for all. */
record ImageKey(long high, long low) {
    /**
     * @param identity which outlives the image's name, and no other image of the store has.
     */
    static ImageKey of(String identity) {
        try {
            ByteBuffer digest =
                    ByteBuffer.wrap(
                            MessageDigest.getInstance("SHA-256").digest(identity.getBytes(UTF_8)));
            return new ImageKey(digest.getLong(), digest.getLong());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("each Java has SHA-256", e);
        }
    }
}
