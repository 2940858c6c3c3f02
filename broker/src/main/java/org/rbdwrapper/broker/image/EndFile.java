package org.rbdwrapper.broker.image;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.broker.DurableFiles;
import org.rbdwrapper.broker.RunDirectory;
import org.rbdwrapper.broker.messenger.EndTable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * The file of the run directory that the {@link EndTable} is in: made when an image is opened for
 * writing, and left to the next broker where somebody may come back to it.
 *
 * <p>Not flushed: it matters only to processes of this host, which a crash of the host ends, too.
 */
public final class EndFile {
    private static final Logger LOG = LoggerFactory.getLogger(EndFile.class);

    private final Path file;
    private final EndTable table = new EndTable();
    private boolean hasComplained;

    private EndFile(Path file) {
        this.file = file;
    }

    /**
     * @param keep what the broker before has left, as some of its clients are there.
     */
    public static EndFile of(Path runDir, boolean keep) {
        EndFile made = new EndFile(file(runDir));
        if (!keep) {
            remove(runDir);
        } else if (Files.isRegularFile(made.file, LinkOption.NOFOLLOW_LINKS)) {
            made.prepare();
        }
        return made;
    }

    /** Of a broker that has ended and whose clients have. */
    public static void remove(Path runDir) {
        try {
            Files.deleteIfExists(file(runDir));
        } catch (IOException e) {
            LOG.warn("{} stays: {}", file(runDir), e.toString());
        }
    }

    EndTable table() {
        return table;
    }

    /**
     * Worker, before an image is opened for writing. Where the file cannot be made, ends are kept
     * for as long as this broker runs.
     */
    synchronized void prepare() {
        if (table.isUsed()) {
            return;
        }
        try {
            if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)
                    || Files.size(file) != EndTable.LENGTH) {
                make();
            }
            try (FileChannel channel =
                    FileChannel.open(file, READ, WRITE, LinkOption.NOFOLLOW_LINKS)) {
                // unmapped when nobody refers to it any more
                table.use(
                        new UnsafeBuffer(
                                channel.map(FileChannel.MapMode.READ_WRITE, 0, EndTable.LENGTH)));
            }
        } catch (IOException e) {
            if (!hasComplained) {
                LOG.warn(
                        "logical ends of truncated files do not outlive this broker: {} cannot be"
                                + " made ({})",
                        file,
                        e.toString());
            }
            hasComplained = true;
        }
    }

    /** All of it is written: a full disk must not show when a page is touched. */
    private void make() throws IOException {
        Files.deleteIfExists(file);
        Files.createFile(
                file,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        DurableFiles.writeNoLink(file, new byte[EndTable.LENGTH]);
    }

    private static Path file(Path runDir) {
        return runDir.resolve(RunDirectory.LOGICAL_ENDS);
    }
}
