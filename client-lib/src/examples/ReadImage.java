import org.rbdwrapper.client.RbdFile;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;

/**
 * Prints the SHA-256 of the first LENGTH bytes of an image, reading ahead while it computes:
 * ReadImage /rbdw/NAME LENGTH.
 */
final class ReadImage {
    private static final int CHUNK = 4 * 1024 * 1024;

    public static void main(String[] args) throws Exception {
        long length = Long.parseLong(args[1]);
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        ByteBuffer current = ByteBuffer.allocate(CHUNK);
        ByteBuffer ahead = ByteBuffer.allocate(CHUNK);
        try (RbdFile file = RbdFile.open(args[0])) {
            CompletableFuture<Integer> read = start(file, current, 0, length);
            for (long position = 0; position < length; ) {
                position += read.join();
                read = start(file, ahead, position, length);
                digest.update(current.flip());
                ByteBuffer swap = current;
                current = ahead;
                ahead = swap;
            }
        }
        System.out.println(HexFormat.of().formatHex(digest.digest()));
    }

    private static CompletableFuture<Integer> start(
            RbdFile file, ByteBuffer buffer, long position, long length) {
        buffer.clear().limit((int) Math.min(CHUNK, length - position));
        return file.readAsync(buffer, position);
    }
}
