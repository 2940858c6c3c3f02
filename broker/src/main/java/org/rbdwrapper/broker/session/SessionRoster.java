package org.rbdwrapper.broker.session;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;

/**
 * Who would come back if this broker were gone: a file for each session that will, named by its
 * key, with its process. The next broker of the run directory reads them: see {@link ReturnGrace}.
 *
 * <p>Not flushed: it matters only to processes of this host, which a crash of the host ends, too.
 *
 * <p>The folder is there while a session is noted. Any thread; blocks on the disk.
 */
final class SessionRoster {
    private static final Logger LOG = LoggerFactory.getLogger(SessionRoster.class);

    /** Of /proc/PID/stat, counted from the state, which is the first after the name. */
    private static final int START_TIME_FIELD = 19;

    private final Path folder;

    /**
     * A process that had a session.
     *
     * @param startTime of the kernel: another process of the same number has another.
     */
    record Entry(int pid, String startTime) {
        /** Whether it is still there. */
        boolean isAlive() {
            return startTime.equals(startTimeOf(pid));
        }
    }

    SessionRoster(Path runDir) {
        this.folder = runDir.resolve("sessions");
    }

    /** Those of brokers before, whose processes are still there; forgets the others. */
    synchronized Map<SessionKey, Entry> load() {
        Map<SessionKey, Entry> alive = new HashMap<>();
        if (!Files.isDirectory(folder)) {
            return alive;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                SessionKey key = key(file);
                Entry entry = key == null ? null : read(file);
                if (entry != null && entry.isAlive()) {
                    alive.put(key, entry);
                } else {
                    Files.deleteIfExists(file);
                }
            }
        } catch (IOException e) {
            LOG.warn("sessions of the broker before are not known ({}): none is waited for", e);
        }
        removeFolderIfEmpty();
        return alive;
    }

    synchronized void add(SessionKey key, int pid) throws ErrnoException {
        try {
            if (!Files.isDirectory(folder)) {
                Files.createDirectory(
                        folder,
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rwx------")));
            }
            Files.writeString(folder.resolve(key.toString()), pid + " " + startTimeOf(pid) + "\n");
        } catch (IOException e) {
            throw new ErrnoException(
                    Errno.EIO,
                    "session " + key + " cannot be noted in " + folder + " (" + e + ")",
                    e);
        }
    }

    synchronized void remove(SessionKey key) {
        try {
            Files.deleteIfExists(folder.resolve(key.toString()));
        } catch (IOException e) {
            LOG.warn("session {} stays noted in {}: {}", key, folder, e.toString());
        }
        removeFolderIfEmpty();
    }

    /** A broker that ended with nobody there leaves nothing. */
    private void removeFolderIfEmpty() {
        try {
            Files.deleteIfExists(folder);
        } catch (DirectoryNotEmptyException e) {
            LOG.trace("sessions are noted in {}", folder);
        } catch (IOException e) {
            LOG.warn("{} stays: {}", folder, e.toString());
        }
    }

    private static SessionKey key(Path file) {
        String[] parts = file.getFileName().toString().split("-", -1);
        try {
            return parts.length == 2
                    ? new SessionKey(
                            Long.parseUnsignedLong(parts[0], 16),
                            Long.parseUnsignedLong(parts[1], 16))
                    : null;
        } catch (NumberFormatException e) {
            return null;
        }
    }

    private static Entry read(Path file) {
        try {
            String[] words = Files.readString(file).strip().split(" ", -1);
            return words.length == 2 ? new Entry(Integer.parseInt(words[0]), words[1]) : null;
        } catch (IOException | NumberFormatException e) {
            return null;
        }
    }

    /** Empty where there is no such process. */
    private static String startTimeOf(int pid) {
        try {
            String stat =
                    Files.readString(
                            Path.of("/proc", Integer.toString(pid), "stat"),
                            StandardCharsets.ISO_8859_1);
            return stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[START_TIME_FIELD];
        } catch (IOException e) {
            return "";
        }
    }
}
