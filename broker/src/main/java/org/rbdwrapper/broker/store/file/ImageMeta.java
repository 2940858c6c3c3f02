package org.rbdwrapper.broker.store.file;

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
 * What an image's folder says beside its data.
 *
 * @param id 16 hexadecimal digits, given once.
 */
record ImageMeta(String name, String id, long createdAtNanos) {
    static final String FILE_NAME = "meta";

    static ImageMeta read(Path folder) throws ErrnoException {
        Path file = folder.resolve(FILE_NAME);
        try (Reader reader = Files.newBufferedReader(file)) {
            Properties properties = new Properties();
            properties.load(reader);
            return new ImageMeta(
                    properties.getProperty("name", ""),
                    properties.getProperty("id", ""),
                    Long.parseLong(properties.getProperty("created_ns", "")));
        } catch (IOException e) {
            throw FileErrors.of(e, "image description " + file + " cannot be read");
        } catch (IllegalArgumentException e) {
            throw new ErrnoException(
                    Errno.EIO,
                    "image description " + file + " is damaged (" + e.getMessage() + ")",
                    e);
        }
    }

    void write(Path folder) throws IOException {
        Properties properties = new Properties();
        properties.setProperty("name", name);
        properties.setProperty("id", id);
        properties.setProperty("created_ns", Long.toString(createdAtNanos));
        try (Writer writer = Files.newBufferedWriter(folder.resolve(FILE_NAME))) {
            properties.store(writer, null);
        }
    }
}
