import org.rbdwrapper.client.RbdFile;

import java.io.InputStream;
import java.nio.ByteBuffer;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.HexFormat;

/**
 * Writes standard input to an image, from its start, and prints the SHA-256 of what was written:
 * WriteImage /rbdw/NAME.
 */
final class WriteImage {
    private static final int CHUNK = 4 * 1024 * 1024;

    public static void main(String[] args) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        try (InputStream in = new DigestInputStream(System.in, digest);
                RbdFile file = RbdFile.open(args[0])) {
            long position = 0;
            for (byte[] chunk;
                    (chunk = in.readNBytes(CHUNK)).length > 0;
                    position += chunk.length) {
                ByteBuffer buffer = ByteBuffer.wrap(chunk);
                while (buffer.hasRemaining()) {
                    file.write(buffer, position + buffer.position());
                }
            }
            file.force();
        }
        System.out.println(HexFormat.of().formatHex(digest.digest()));
    }
}
