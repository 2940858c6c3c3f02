package org.rbdwrapper.ipc.posix;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Who can change where a path leads: whoever may write in one of the folders on it, but for an
 * entry of somebody else in a sticky one as {@code /tmp}, and the owner of each. Links are followed
 * as the kernel does, those on the way of each included.
 *
 * <p>Where these are only users who are trusted, what was found stays true, and a name may be used
 * after it was looked at.
 *
 * <p>One thread.
 */
public final class KeptPath {
    /** Of a mode: others than the owner may write, that is make and rename entries. */
    public static final int GROUP_AND_OTHERS_MAY_WRITE = 0022;

    public static final int OTHERS_MAY_WRITE = 0002;

    /** Of a folder: its entries are renamed and removed by their owners alone. */
    public static final int STICKY = 01000;

    public static final int TYPE = 0170000;
    public static final int FOLDER = 0040000;
    public static final int FILE = 0100000;
    public static final int LINK = 0120000;

    private static final int MAX_LINKS = 16;

    private final Set<Integer> ours;
    private final int mayWrite;
    private final Deque<String> ahead = new ArrayDeque<>();
    private Path behind = Path.of("/"); // no link is left in it
    private int owner; // of behind, as mode
    private int mode;
    private int rootOwner;
    private Integer other;
    private int links;
    private Path changeableIn;

    private KeptPath(Set<Integer> ours, int mayWrite) {
        this.ours = Set.copyOf(ours);
        this.mayWrite = mayWrite;
    }

    /**
     * Looks at a path that is there, from the root of all folders on, whose owner is trusted.
     *
     * @param ours users who are trusted: root among them.
     * @param mayWrite which bits of a folder's mode let others than its owner change it.
     * @throws IOException where it is not there, or cannot be looked at.
     */
    public static KeptPath of(Path path, Set<Integer> ours, int mayWrite) throws IOException {
        return new KeptPath(ours, mayWrite).walk(path);
    }

    /** Whether nobody else can change where it leads, but for {@link #other}. */
    public boolean isKept() {
        return changeableIn == null;
    }

    /** The first folder on the way in which somebody else can; null where it is kept. */
    public Path changeableIn() {
        return changeableIn;
    }

    /**
     * The one user more who can change where it leads, since those who are trusted have left him a
     * folder on the way, or what the path leads to; null where there is none.
     */
    public Integer other() {
        return other;
    }

    /** The user whose file it is; of one that is kept. */
    public int owner() {
        return owner;
    }

    /** Type and rights, as in stat(2); of one that is kept. */
    public int mode() {
        return mode;
    }

    private KeptPath walk(Path path) throws IOException {
        putAhead(path.toAbsolutePath());
        lookAtFolder();
        rootOwner = owner;
        while (!ahead.isEmpty() && changeableIn == null) {
            step(ahead.removeFirst());
        }
        return this;
    }

    private void step(String name) throws IOException {
        if (name.isEmpty() || name.equals(".")) {
            return;
        }
        if (name.equals("..")) {
            behind = behind.getParent() == null ? behind : behind.getParent();
            lookAtFolder();
            return;
        }
        Path path = behind.resolve(name);
        Map<String, Object> entry = lookAt(path);
        int entryOwner = (int) entry.get("uid");
        int entryMode = (int) entry.get("mode");
        if (!isEntryKept(entryOwner)) {
            changeableIn = behind;
        } else if ((entryMode & TYPE) == LINK) {
            follow(path);
        } else {
            behind = path;
            owner = entryOwner;
            mode = entryMode;
        }
    }

    private void follow(Path link) throws IOException {
        if (++links > MAX_LINKS) {
            throw new IOException(link + " leads to too many links");
        }
        Path target = Files.readSymbolicLink(link);
        if (target.isAbsolute()) {
            behind = target.getRoot();
            lookAtFolder();
        }
        putAhead(target);
    }

    /** Whether nobody else can have put an entry there, or can put another in its place. */
    private boolean isEntryKept(int entryOwner) {
        if ((mode & mayWrite) != 0) {
            boolean isOthers = other != null && other == entryOwner;
            return (mode & STICKY) != 0 && (ours.contains(entryOwner) || isOthers);
        }
        if (ours.contains(entryOwner) || entryOwner == rootOwner) {
            return true;
        }
        if (other == null) {
            other = entryOwner;
        }
        return other == entryOwner;
    }

    private void putAhead(Path path) {
        List<String> names = new ArrayList<>();
        path.forEach(name -> names.add(name.toString()));
        names.reversed().forEach(ahead::addFirst);
    }

    private void lookAtFolder() throws IOException {
        Map<String, Object> folder = lookAt(behind);
        owner = (int) folder.get("uid");
        mode = (int) folder.get("mode");
    }

    private static Map<String, Object> lookAt(Path path) throws IOException {
        return Files.readAttributes(path, "unix:uid,mode", LinkOption.NOFOLLOW_LINKS);
    }
}
