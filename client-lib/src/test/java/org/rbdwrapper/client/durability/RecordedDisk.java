package org.rbdwrapper.client.durability;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * A disk that what was recorded is done to, and that can lose its power after each event.
 *
 * <p>It promises what POSIX promises and no more: fsync(2) of a file makes its bytes and its size
 * durable, not its name; that of a folder the names in it, not what they stand for. What is not
 * durable may be there, be lost, be torn, and come in another order; real file systems promise
 * more. Assumed are, as they are of every disk, sectors that are written whole or not at all, and
 * renames that are.
 */
final class RecordedDisk {
    private static final int BLOCK = 16 * 1024;
    private static final byte[] ZEROES = new byte[BLOCK];

    private final Path folder;
    private final DiskNames names = new DiskNames();
    private final DiskFolder root = new DiskFolder(names);
    private final Map<Long, DiskNode> byInode = new HashMap<>();
    private final Map<Long, Sync> syncs = new HashMap<>();
    private long events;

    private record Sync(DiskNode node, long number) {}

    /**
     * @param folder that was recorded, empty at first.
     * @param inode its.
     */
    RecordedDisk(Path folder, long inode) {
        this.folder = folder;
        byInode.put(inode, root);
    }

    void apply(RecordedEvent event) {
        long number = events++;
        switch (event.kind()) {
            case CREATE -> create(number, event, new DiskFile());
            case MAKE_FOLDER -> create(number, event, new DiskFolder(names));
            case RENAME -> {
                Path to = Path.of(event.otherPath());
                Path from = Path.of(event.path());
                names.move(number, parent(from), name(from), parent(to), name(to));
            }
            case UNLINK -> {
                Path path = Path.of(event.path());
                names.add(number, parent(path), name(path), null);
            }
            case WRITE -> file(event).write(number, event.a(), event.data().array());
            case SIZE -> file(event).setSize(number, event.a());
            case ZERO -> file(event).zero(number, event.a(), event.b());
            case ALLOCATE -> file(event).allocate(number, event.a());
            case SYNC_BEGIN -> syncs.put(event.a(), new Sync(node(event), number));
            case SYNC_END -> {
                Sync sync = syncs.remove(event.a());
                sync.node().sync(sync.number());
            }
            case MARK -> {
                // of the load, not of the disk
            }
        }
    }

    /** Makes there, in a folder that is not there, what is left by a power loss now. */
    void loseInto(Path target, CrashKind crash) throws IOException {
        make(target, root, names.after(crash), crash);
    }

    private void make(
            Path target,
            DiskFolder from,
            Map<DiskFolder, Map<String, DiskNode>> changed,
            CrashKind crash)
            throws IOException {
        Files.createDirectory(target);
        for (var entry : changed.getOrDefault(from, from.durable).entrySet()) {
            Path path = target.resolve(entry.getKey());
            switch (entry.getValue()) {
                case DiskFolder child -> make(path, child, changed, crash);
                case DiskFile child -> write(path, child.contentsAfter(crash));
            }
        }
    }

    /** With holes where there are only zeroes. */
    private static void write(Path path, byte[] contents) throws IOException {
        try (FileChannel file =
                FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (int at = 0; at < contents.length; at += BLOCK) {
                int length = Math.min(BLOCK, contents.length - at);
                boolean isLast = at + length == contents.length;
                boolean isHole = Arrays.equals(contents, at, at + length, ZEROES, 0, length);
                if (!isHole) {
                    file.write(ByteBuffer.wrap(contents, at, length), at);
                } else if (isLast) {
                    file.write(ByteBuffer.wrap(new byte[1]), contents.length - 1);
                }
            }
        }
    }

    private void create(long number, RecordedEvent event, DiskNode node) {
        Path path = Path.of(event.path());
        byInode.put(event.inode(), node);
        names.add(number, parent(path), name(path), node);
    }

    private DiskNode node(RecordedEvent event) {
        DiskNode node = byInode.get(event.inode());
        if (node == null) {
            throw new IllegalStateException("a file that nobody has made: " + event);
        }
        return node;
    }

    private DiskFile file(RecordedEvent event) {
        return (DiskFile) node(event);
    }

    private static String name(Path path) {
        return path.getFileName().toString();
    }

    private DiskFolder parent(Path path) {
        DiskFolder found = root;
        for (Path name : folder.relativize(path.getParent())) {
            if (!name.toString().isEmpty()) {
                found = (DiskFolder) found.seen.get(name.toString());
            }
        }
        return found;
    }
}
