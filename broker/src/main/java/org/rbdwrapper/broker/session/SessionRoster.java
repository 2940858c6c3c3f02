package org.rbdwrapper.broker.session;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import org.agrona.concurrent.AtomicBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.broker.DurableFiles;
import org.rbdwrapper.broker.FileErrors;
import org.rbdwrapper.broker.ProcessStart;
import org.rbdwrapper.broker.RunDirectory;
import org.rbdwrapper.broker.messenger.OpenMappings;
import org.rbdwrapper.broker.messenger.RequestLedger;
import org.rbdwrapper.broker.messenger.UnflushedMappings;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.UnixSocket;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * Who would come back if this broker were gone: a file for each session that will, named by its
 * key, with its process and its {@link RequestLedger}. The next broker of the run directory reads
 * them: see {@link ReturnGrace}.
 *
 * <p>The page's first {@link RequestLedger#ROSTER_LENGTH} bytes are this:
 *
 * <pre>
 *   0                                                                            108        112
 *   +----------------------------------------------------------------------------+----------+
 *   | "pid uid start-time before checksum\n", ASCII, padded with 0; uid signed    | late u32 |
 *   +----------------------------------------------------------------------------+----------+
 * </pre>
 *
 * <p>Not flushed: it matters only to processes of this host, which a crash of the host ends, too.
 *
 * <p>The folder is there while a session is noted. Any thread; blocks on the disk.
 */
final class SessionRoster {
    private static final Logger LOG = LoggerFactory.getLogger(SessionRoster.class);

    /** A u32 in the page: not 0 of one that is late, see {@link #markLate}. */
    private static final int LATE_OFFSET = RequestLedger.ROSTER_LENGTH - Integer.BYTES;

    private final Path folder;

    /**
     * A process that had a session.
     *
     * @param uid that it had when it connected.
     * @param startTime of the kernel: another process of the same number has another. {@link
     *     #HIDDEN} where this broker cannot see it.
     * @param before the session that it went on from; null where it is the first.
     * @param mappings that it had open.
     * @param hadRequests that the broker may not have answered.
     * @param unflushed where changes may have died with the broker's cache.
     * @param isLate a broker since has not waited for it any longer, and others have gone on.
     */
    record Entry(
            int pid,
            int uid,
            String startTime,
            SessionKey before,
            OpenMappings mappings,
            boolean hadRequests,
            UnflushedMappings unflushed,
            boolean isLate) {
        /** A process of another container, whose end nobody here can see. */
        static final String HIDDEN = "-";

        /** Whether it is still there; true of one that is hidden. */
        boolean isAlive() {
            // empty where there is no such process, which no entry may be taken for
            return isHidden()
                    || (!startTime.isEmpty() && startTime.equals(ProcessStart.timeOf(pid)));
        }

        boolean isHidden() {
            return startTime.equals(HIDDEN);
        }

        /**
         * Whether it is who connects now. A session's key is no secret: every client knows the
         * generation. Of a process of another container only its user is known; the broker that it
         * comes to may be where it has a number.
         */
        boolean isOf(UnixSocket.Peer peer) {
            return pid == 0 ? uid == peer.uid() : pid == peer.pid();
        }

        /** Whether another session is of the same process, as far as that is known. */
        boolean isOf(Entry other) {
            if (pid == 0 || other.pid == 0) {
                return uid == other.uid;
            }
            boolean isSame = startTime.equals(other.startTime);
            // a broker may see processes that the one before it could not
            boolean mayBeSame = (isHidden() || other.isHidden()) && uid == other.uid;
            return pid == other.pid && (isSame || mayBeSame);
        }

        /** For people: who it is. */
        String describe() {
            if (pid == 0) {
                return "a process of another container (uid " + Integer.toUnsignedString(uid) + ")";
            }
            String name = ProcessStart.nameOf(pid);
            return String.format(
                    "%s (pid %d, uid %s)",
                    name.isEmpty() ? "a process" : name, pid, Integer.toUnsignedString(uid));
        }
    }

    SessionRoster(Path runDir) {
        this.folder = runDir.resolve(RunDirectory.SESSIONS);
    }

    /** Those of brokers before, whose processes are still there; forgets the others. */
    synchronized Map<SessionKey, Entry> load() {
        Map<SessionKey, Entry> alive = new HashMap<>();
        if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
            forget(folder); // no session could be noted
            return alive;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                SessionKey key = SessionKey.parse(file.getFileName().toString());
                Entry entry = key == null ? null : read(file);
                if (entry != null && entry.isAlive()) {
                    alive.put(key, entry);
                } else {
                    forget(file);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            LOG.warn(
                    "not all sessions of the broker before are known ({}): the others are not"
                            + " waited for",
                    e.toString());
        }
        removeFolderIfEmpty();
        return alive;
    }

    /** Whatever it is. */
    private static void forget(Path path) {
        try {
            if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
                DurableFiles.deleteTree(path);
            }
        } catch (IOException e) {
            LOG.warn("{} means nothing and stays: {}", path, e.toString());
        }
    }

    /**
     * Returns where its requests are to be counted.
     *
     * @param before which stays noted until the client has its answers: it may not hear of this
     *     one. Null where it is the first.
     */
    synchronized RequestLedger add(SessionKey key, SessionKey before, int pid, int uid)
            throws ErrnoException {
        try {
            if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
                Files.createDirectory(
                        folder,
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rwx------")));
            }
            byte[] page = new byte[RequestLedger.PAGE_LENGTH];
            String process =
                    String.join(
                            " ",
                            Integer.toString(pid),
                            Integer.toString(uid),
                            startTimeOf(pid),
                            before == null ? "" : before.toString());
            byte[] line = (process + " " + checksumOf(process) + "\n").getBytes(US_ASCII);
            System.arraycopy(line, 0, page, 0, line.length);
            Path file = folder.resolve(key.toString());
            DurableFiles.writeNoLink(
                    file, page); // all of it: a full disk must not show when a page is touched
            return RequestLedger.in(map(file));
        } catch (IOException e) {
            throw FileErrors.of(e, "session " + key + " cannot be noted in " + folder);
        }
    }

    /** A process of another PID namespace has the number 0, and /proc may hide those of others. */
    private static String startTimeOf(int pid) {
        try {
            return ProcessStart.readTimeOf(pid);
        } catch (IOException e) {
            return Entry.HIDDEN;
        }
    }

    /** Unmapped when nobody refers to it any more. */
    private static AtomicBuffer map(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, READ, WRITE, LinkOption.NOFOLLOW_LINKS)) {
            return new UnsafeBuffer(
                    channel.map(FileChannel.MapMode.READ_WRITE, 0, RequestLedger.PAGE_LENGTH));
        }
    }

    /** Whether somebody would come back to the next broker of a run directory. */
    static boolean isAnyNoted(Path runDir) {
        return Files.isDirectory(runDir.resolve(RunDirectory.SESSIONS));
    }

    /** It does not have its time again with the broker after this one, but may come back. */
    synchronized void markLate(SessionKey key) {
        Path file = folder.resolve(key.toString());
        try (FileChannel channel = FileChannel.open(file, WRITE, LinkOption.NOFOLLOW_LINKS)) {
            channel.write(ByteBuffer.wrap(new byte[] {1}), LATE_OFFSET);
        } catch (NoSuchFileException e) {
            LOG.trace("session {} is gone", key);
        } catch (IOException e) {
            LOG.warn("session {} cannot be noted as late and is forgotten: {}", key, e.toString());
            remove(key);
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

    /**
     * 8 hexadecimal digits: a damaged number may be a neighbour's, whose time is the same where
     * both were started within a hundredth of a second.
     */
    private static String checksumOf(String process) {
        CRC32C checksum = new CRC32C();
        checksum.update(process.getBytes(US_ASCII));
        return HexFormat.of().toHexDigits(checksum.getValue(), 8);
    }

    private static Entry read(Path file) {
        try {
            if (Files.size(file) != RequestLedger.PAGE_LENGTH) {
                return null; // its broker ended before it was written
            }
            AtomicBuffer page = map(file);
            String text = page.getStringWithoutLengthAscii(0, LATE_OFFSET);
            String line = text.substring(0, text.indexOf('\n'));
            String process = line.substring(0, line.lastIndexOf(' '));
            String[] words = process.split(" ", -1);
            return words.length == 4
                            && checksumOf(process).equals(line.substring(process.length() + 1))
                    ? new Entry(
                            Integer.parseInt(words[0]),
                            Integer.parseInt(words[1]),
                            words[2],
                            SessionKey.parse(words[3]),
                            RequestLedger.mappings(page),
                            RequestLedger.hadRequests(page),
                            RequestLedger.unflushed(page),
                            page.getInt(LATE_OFFSET) != 0)
                    : null;
        } catch (IOException | NumberFormatException | IndexOutOfBoundsException e) {
            return null;
        }
    }
}
