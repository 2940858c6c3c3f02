package org.rbdwrapper.broker.store.file;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.rbdwrapper.broker.DurableFiles;
import org.rbdwrapper.broker.FileErrors;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;

/**
 * What an image's folder says beside its data. Written once.
 *
 * <pre>
 *   CRC32C=0123abcd      of all that follows, 8 hexadecimal digits
 *   name=IMAGE           these in any order, as java.util.Properties has them
 *   id=…
 *   created_ns=…
 * </pre>
 *
 * A file that begins with {@code #} is of a version that wrote no checksum.
 *
 * @param name the image's: that of the folder is encoded.
 * @param id 16 hexadecimal digits.
 * @param createdAtNanos nanoseconds since the epoch.
 */
record ImageMeta(String name, String id, long createdAtNanos) {
    private static final String FILE_NAME = "meta";
    private static final String CHECKSUM = "CRC32C=";
    private static final int CHECKSUM_LENGTH = CHECKSUM.length() + 8 + 1;
    private static final Set<String> KEYS = Set.of("name", "id", "created_ns");

    /** Bytes; more than the longest name takes. */
    private static final int MAX_LENGTH = 4096;

    /**
     * @throws ErrnoException EIO where it is damaged or another folder's.
     */
    static ImageMeta read(Path folder) throws ErrnoException {
        Path file = folder.resolve(FILE_NAME);
        try {
            if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                throw new IllegalArgumentException("no such file");
            }
            if (Files.size(file) > MAX_LENGTH) {
                throw new IllegalArgumentException("too long");
            }
            ImageMeta meta = parse(Files.readAllBytes(file));
            if (!FileNames.encode(meta.name).equals(folder.getFileName().toString())) {
                throw new IllegalArgumentException("it is that of an image " + meta.name);
            }
            return meta;
        } catch (IOException e) {
            throw FileErrors.of(e, "image description " + file + " cannot be read");
        } catch (IllegalArgumentException e) {
            throw new ErrnoException(
                    Errno.EIO,
                    "image description " + file + " is damaged (" + e.getMessage() + ")",
                    e);
        }
    }

    /** Into a folder that is still being made; durable when it returns. */
    void write(Path folder) throws IOException {
        Properties properties = new Properties();
        properties.setProperty("name", name);
        properties.setProperty("id", id);
        properties.setProperty("created_ns", Long.toString(createdAtNanos));
        StringWriter stored = new StringWriter();
        properties.store(stored, null);
        String lines =
                stored.toString()
                        .lines()
                        .filter(line -> !line.startsWith("#")) // the time, in words
                        .map(line -> line + "\n")
                        .collect(Collectors.joining());
        Path file = folder.resolve(FILE_NAME);
        Files.writeString(file, checksumLine(lines.getBytes(UTF_8)) + lines);
        DurableFiles.sync(file);
    }

    private static ImageMeta parse(byte[] bytes) throws IOException {
        boolean hasChecksum = bytes.length == 0 || bytes[0] != '#';
        if (hasChecksum) {
            checkSum(bytes);
        }
        int start = hasChecksum ? CHECKSUM_LENGTH : 0;
        Properties properties = new Properties();
        properties.load(new StringReader(text(bytes, start)));
        if (!properties.stringPropertyNames().equals(KEYS)) {
            throw new IllegalArgumentException("not its keys");
        }
        String name = properties.getProperty("name");
        String id = properties.getProperty("id");
        if (name.isEmpty() || !id.matches("[0-9a-f]{16}")) {
            throw new IllegalArgumentException("no name or no id");
        }
        return new ImageMeta(name, id, Long.parseLong(properties.getProperty("created_ns")));
    }

    private static void checkSum(byte[] bytes) {
        int length = Math.min(CHECKSUM_LENGTH, bytes.length);
        byte[] rest = Arrays.copyOfRange(bytes, length, bytes.length);
        byte[] expected = checksumLine(rest).getBytes(UTF_8);
        if (!ByteBuffer.wrap(expected).equals(ByteBuffer.wrap(bytes, 0, length))) {
            throw new IllegalArgumentException("wrong checksum");
        }
    }

    private static String text(byte[] bytes, int start) throws IOException {
        return UTF_8.newDecoder()
                .decode(ByteBuffer.wrap(bytes, start, bytes.length - start))
                .toString();
    }

    private static String checksumLine(byte[] lines) {
        CRC32C checksum = new CRC32C();
        checksum.update(lines);
        return String.format("%s%08x\n", CHECKSUM, checksum.getValue());
    }
}
