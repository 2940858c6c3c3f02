package org.rbdwrapper.broker;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.KeptPath;
import org.rbdwrapper.ipc.posix.ProcessIdentity;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A folder that the broker writes in: where anybody else could put a link into it, or another
 * folder in its place, the broker would write with its own rights what that one chooses.
 *
 * <p>So it, what is in it, and the folders above it may be changed by nobody but root and the
 * broker's user. As these alone could change that, it is looked at once, when a broker comes up,
 * and paths below it may be used from then on.
 */
public final class OwnFolder {
    private final Path path;
    private final String what;
    private final String otherwise;
    private final int uid = ProcessIdentity.uid();

    /**
     * @param what for messages: {@code state directory}.
     * @param otherwise for messages, what to do: {@code choose another with --state-dir}.
     */
    public OwnFolder(Path path, String what, String otherwise) {
        this.path = path;
        this.what = what;
        this.otherwise = otherwise;
    }

    /**
     * Makes it where it is missing, and checks it.
     *
     * @param mode of one that is made: {@code rwx------}.
     * @throws ErrnoException EPERM where others may change it; what keeps it from being made.
     */
    public void prepare(String mode) throws ErrnoException {
        try {
            boolean isMissing = !Files.isDirectory(path);
            if (isMissing) {
                checkAbove(); // or it would be made wherever others like
                DurableFiles.makeDirectories(path);
            }
            checkOwner();
            checkWay(path);
            if (isMissing) {
                Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
            }
            checkRights();
        } catch (ErrnoException e) {
            throw e;
        } catch (FileAlreadyExistsException e) { // and is none
            throw new ErrnoException(
                    Errno.ENOTDIR,
                    what + " " + path + " cannot be made, " + otherwise + " (" + e.getFile() + ")",
                    e);
        } catch (IOException e) {
            throw FileErrors.of(e, what + " " + path + " cannot be made, " + otherwise);
        }
    }

    /**
     * Of one that is there.
     *
     * @throws ErrnoException EPERM where others may change it; ENOENT where it is not there.
     */
    void check() throws ErrnoException {
        try {
            checkOwner();
            checkWay(path);
            checkRights();
        } catch (ErrnoException e) {
            throw e;
        } catch (IOException e) {
            throw FileErrors.of(e, what + " " + path + " cannot be used");
        }
    }

    /**
     * What is in it.
     *
     * @param names what is looked at, where it is there.
     * @param maySeeLinks whether links of ours are left to lead where they do.
     * @throws ErrnoException EPERM where something is somebody else's.
     */
    void checkEntries(Stream<String> names, boolean maySeeLinks) throws ErrnoException {
        for (String name : (Iterable<String>) names::iterator) {
            Map<String, Object> entry;
            try {
                entry =
                        Files.readAttributes(
                                path.resolve(name),
                                "unix:uid,mode,nlink",
                                LinkOption.NOFOLLOW_LINKS);
            } catch (NoSuchFileException e) {
                continue;
            } catch (IOException e) {
                throw FileErrors.of(e, what + " " + path + " cannot be used");
            }
            checkEntry(name, entry, maySeeLinks);
        }
    }

    private void checkEntry(String name, Map<String, Object> entry, boolean maySeeLinks)
            throws ErrnoException {
        int type = (int) entry.get("mode") & KeptPath.TYPE;
        String why = null;
        if (!isOurs((int) entry.get("uid"))) {
            why = "belongs to uid " + Integer.toUnsignedString((int) entry.get("uid"));
        } else if (!maySeeLinks
                && (type == KeptPath.LINK
                        || (type == KeptPath.FILE && (int) entry.get("nlink") > 1))) {
            why = "is a link";
        } else if (type == KeptPath.FOLDER
                && ((int) entry.get("mode") & KeptPath.GROUP_AND_OTHERS_MAY_WRITE) != 0) {
            why = "is writable by others";
        }
        if (why != null) {
            throw refusal("has " + name + ", which " + why + ": remove that, or " + otherwise);
        }
    }

    private void checkOwner() throws IOException {
        int owner = (int) Files.getAttribute(path, "unix:uid");
        if (!isOurs(owner)) {
            throw refusal(
                    "belongs to uid "
                            + Integer.toUnsignedString(owner)
                            + ", not to you (uid "
                            + Integer.toUnsignedString(uid)
                            + "): "
                            + otherwise);
        }
    }

    private void checkRights() throws IOException {
        int mode = (int) Files.getAttribute(path, "unix:mode");
        if ((mode & KeptPath.TYPE) != KeptPath.FOLDER) {
            throw refusal("is not a directory: " + otherwise);
        }
        if ((mode & KeptPath.GROUP_AND_OTHERS_MAY_WRITE) != 0) {
            throw refusal("is writable by others: chmod go-w it, or " + otherwise);
        }
    }

    private void checkAbove() throws IOException {
        Path above = path.toAbsolutePath().getParent();
        while (above != null && !Files.isDirectory(above)) {
            above = above.getParent();
        }
        if (above == null) {
            return;
        }
        int mode = checkWay(above).mode();
        if ((mode & mayWrite()) != 0 && (mode & KeptPath.STICKY) == 0) {
            throw replaceable(above);
        }
    }

    /** Nobody else can put another folder in its place. */
    private KeptPath checkWay(Path folder) throws IOException {
        KeptPath way = KeptPath.of(folder, uid == 0 ? Set.of(0) : Set.of(0, uid), mayWrite());
        if (!way.isKept()) {
            throw replaceable(way.changeableIn());
        }
        if (way.other() != null) {
            throw refusal(
                    "can be replaced by uid "
                            + Integer.toUnsignedString(way.other())
                            + ", who has a folder above it: "
                            + otherwise);
        }
        return way;
    }

    /** A user's group is often his alone; that of root's folders is not. */
    private int mayWrite() {
        return uid == 0 ? KeptPath.GROUP_AND_OTHERS_MAY_WRITE : KeptPath.OTHERS_MAY_WRITE;
    }

    private ErrnoException replaceable(Path above) {
        return refusal("can be replaced by others, who may change " + above + ": " + otherwise);
    }

    private boolean isOurs(int owner) {
        return owner == uid || owner == 0;
    }

    private ErrnoException refusal(String why) {
        return new ErrnoException(Errno.EPERM, what + " " + path + " " + why);
    }
}
