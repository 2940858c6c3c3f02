package org.rbdwrapper.broker.store.file;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Names of pools, namespaces and images as file names: letters, digits, '-' and '_' stand for
 * themselves, and '.' but at the start; every other byte of the UTF-8 form is %XX. So no name can
 * leave its folder, none can look like one of our own files, and the locale that the JVM was
 * started in does not matter. What an image is called stands in its meta file.
 */
final class FileNames {
    static final String DEFAULT_NAMESPACE = "@";

    /** Start of what is being made or removed. */
    static final String UNFINISHED = ".unfinished-";

    private static final int MAX_BYTES =
            255 - 40; // NAME_MAX, less room for UNFINISHED and a number

    private static final int SHORTENED_START = 100;

    private FileNames() {}

    static String encode(String name) {
        StringBuilder encoded = new StringBuilder();
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            boolean plain = c < 128 && (Character.isLetterOrDigit(c) || c == '-' || c == '_');
            if (plain || (c == '.' && !encoded.isEmpty())) {
                encoded.append(c);
            } else {
                encoded.append(String.format("%%%02X", (int) c));
            }
        }
        // a long name of other letters grows threefold: its start, and a digest of the whole
        return encoded.length() <= MAX_BYTES
                ? encoded.toString()
                : shorten(name, encoded.toString());
    }

    private static String shorten(String name, String encoded) {
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256")
                            .digest(name.getBytes(StandardCharsets.UTF_8));
            // "%%" comes from no byte, so no other name is encoded like this
            return encoded.substring(0, SHORTENED_START) + "%%" + HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
