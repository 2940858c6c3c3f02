package org.rbdwrapper.broker.store.file;

import org.rbdwrapper.broker.DurableFiles;
import org.rbdwrapper.broker.FileErrors;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

/**
 * What an image's folder says beside its data, as lines of {@code key=value}. Written once.
 *
 * @param name the image's: that of the folder is encoded.
 * @param id 16 hexadecimal digits.
 * @param createdAtNanos nanoseconds since the epoch.
 */
record ImageMeta(String name, String id, long createdAtNanos) {
    private static final String FILE_NAME = "meta";

    static ImageMeta read(Path folder) throws ErrnoException {
        Path file = folder.resolve(FILE_NAME);
        try (Reader reader = Files.newBufferedReader(file)) {
            Properties properties = new Properties();
            properties.load(reader);
            String name = properties.getProperty("name", "");
            String id = properties.getProperty("id", "");
            if (name.isEmpty() || id.isEmpty()) {
                throw new IllegalArgumentException("no name or no id");
            }
            return new ImageMeta(
                    name, id, Long.parseLong(properties.getProperty("created_ns", "")));
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
        Path file = folder.resolve(FILE_NAME);
        try (Writer writer = Files.newBufferedWriter(file)) {
            properties.store(writer, null);
        }
        DurableFiles.sync(file);
    }
}
