package org.rbdwrapper.broker.store.ceph;

import org.rbdwrapper.broker.FileErrors;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;

/**
 * Which Ceph clients this broker has, for the one that comes after it: a file for each, named by
 * cluster and client number, from before the client's first request until after its end. What is
 * there at a broker's start belonged to one that was killed: see {@link Fence}.
 *
 * <p>Not flushed: a crash of the host ends the client's connections, too, and nobody fences them.
 *
 * <p>The folder lies in the state directory, whose lock its user holds. Any thread; blocks on the
 * disk.
 */
final class ClientRecords {
    private static final Logger LOG = LoggerFactory.getLogger(ClientRecords.class);
    private static final String UNFINISHED = ".new";

    private final Path folder;

    ClientRecords(Path folder) {
        this.folder = folder;
    }

    /**
     * @param cluster its fsid.
     * @param client its number there.
     * @param address see {@link ClientRecord}.
     */
    void add(String cluster, long client, String address) throws ErrnoException {
        try {
            makeFolder();
            add(cluster, client, ClientRecord.ofThisProcess(address, folder));
        } catch (IOException e) {
            throw FileErrors.of(
                    e,
                    "Ceph client "
                            + address
                            + " cannot be noted in "
                            + folder
                            + ": see that there is room and that it is writable");
        }
    }

    synchronized void add(String cluster, long client, ClientRecord record) throws IOException {
        makeFolder();
        Path file = file(cluster, client);
        Path unfinished = file.resolveSibling(file.getFileName() + UNFINISHED);
        Files.writeString(unfinished, record.toText());
        Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
    }

    /** The client has ended, or is fenced. */
    synchronized void remove(String cluster, long client) {
        try {
            Files.deleteIfExists(file(cluster, client));
        } catch (IOException e) {
            LOG.warn("Ceph client {} stays noted in {}: {}", client, folder, e.toString());
        }
    }

    /**
     * Clients of a cluster whose processes have ended, by number. Forgets those of other boots of
     * the host.
     */
    synchronized Map<Long, ClientRecord> ofTheDead(String cluster) throws ErrnoException {
        Map<Long, ClientRecord> dead = new HashMap<>();
        if (!Files.isDirectory(folder)) {
            return dead;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                ClientRecord record = ClientRecord.parse(Files.readString(file));
                if (record == null || !record.isOfThisBoot()) {
                    Files.deleteIfExists(file);
                } else if (isOf(cluster, file) && record.isOfTheDead(folder)) {
                    dead.put(number(file), record);
                }
            }
        } catch (IOException e) {
            throw new ErrnoException(
                    Errno.EIO,
                    "the Ceph clients of the broker before cannot be read from "
                            + folder
                            + " ("
                            + e
                            + "): see that it is readable",
                    e);
        }
        return dead;
    }

    private void makeFolder() throws IOException {
        if (!Files.isDirectory(folder)) {
            Files.createDirectory(
                    folder,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
        }
    }

    private Path file(String cluster, long client) {
        return folder.resolve(cluster + "." + client);
    }

    private static boolean isOf(String cluster, Path file) {
        return file.getFileName().toString().matches(cluster + "\\.[0-9]{1,18}");
    }

    private static long number(Path file) {
        String name = file.getFileName().toString();
        return Long.parseLong(name.substring(name.lastIndexOf('.') + 1));
    }
}
