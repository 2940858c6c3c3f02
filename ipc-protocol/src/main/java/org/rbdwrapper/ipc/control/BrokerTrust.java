package org.rbdwrapper.ipc.control;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.ProcessIdentity;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Whom a client takes for the broker of a run directory: the twin of broker_trust.h.
 *
 * <p>Root and the client's own user, always. Another user, as the broker's of the system is, where
 * the run directory belongs to him and nobody but root, the client's user and he can put another in
 * its place. So it is with {@code /run/rbdwrapper}, and not with a folder of another user in {@code
 * /tmp}: whoever makes that first would play the broker. Such a folder is not even connected to, as
 * its owner could let us wait.
 *
 * <p>What is found stays true: whoever could change it is trusted, or does not count. Immutable.
 */
final class BrokerTrust {
    private static final int OTHERS_MAY_WRITE = 0022;
    private static final int STICKY = 01000;
    private static final int TYPE = 0170000;
    private static final int DIRECTORY = 0040000;
    private static final int LINK = 0120000;
    private static final int ENOTDIR = 20;
    private static final int MAX_LINKS = 16;

    /** What the kernel shows in place of users whom a user namespace has no number for. */
    private static final int UNKNOWN_USER = 65534;

    private static final String EVERYBODY = "0 0 4294967295";

    private final Path dir;
    private final int self;
    private final Set<Integer> trusted;

    private BrokerTrust(Path dir, int self, Set<Integer> trusted) {
        this.dir = dir;
        this.self = self;
        this.trusted = trusted;
    }

    /**
     * Looks at a run directory.
     *
     * @throws ErrnoException ENOENT: there is none.
     * @throws UntrustedBrokerException it is not to be used.
     */
    static BrokerTrust of(Path dir) throws ErrnoException, UntrustedBrokerException {
        int self = ProcessIdentity.uid();
        Set<Integer> trusted = new HashSet<>(Set.of(0));
        if (self != UNKNOWN_USER || isEverybodyKnown()) {
            trusted.add(self);
        }
        Integer owner = new Walk(trusted).ownerOf(dir);
        if (owner != null) {
            trusted.add(owner);
        }
        BrokerTrust trust = new BrokerTrust(dir, self, Set.copyOf(trusted));
        trust.checkDirectory();
        return trust;
    }

    /**
     * Of a connected socket, before anything is sent.
     *
     * @param peer its server's user.
     */
    void check(int peer) throws UntrustedBrokerException {
        if (!trusted.contains(peer)) {
            throw refusal(
                    Errno.EACCES,
                    "is not used: uid "
                            + Integer.toUnsignedString(peer)
                            + " listens there, not you (uid "
                            + Integer.toUnsignedString(self)
                            + "), root or its owner");
        }
    }

    /** As {@link #check} does; false also where it cannot be told without the user's number. */
    boolean admits(PlainSocket connected) {
        try {
            UserPrincipal peer = connected.peer();
            return isTrustedOwner(dir, peer) || isTrustedOwner(Path.of("/"), peer);
        } catch (IOException e) {
            return false;
        }
    }

    private boolean isTrustedOwner(Path path, UserPrincipal user) throws IOException {
        Map<String, Object> owned = Files.readAttributes(path, "unix:uid,owner");
        return trusted.contains((int) owned.get("uid")) && owned.get("owner").equals(user);
    }

    private void checkDirectory() throws ErrnoException, UntrustedBrokerException {
        Map<String, Object> found;
        try {
            found = Files.readAttributes(dir, "unix:uid,mode");
        } catch (NoSuchFileException e) {
            throw new ErrnoException(Errno.ENOENT, "no run directory " + dir, e);
        } catch (IOException e) {
            throw refusal(Errno.EACCES, "cannot be looked at (" + e.getMessage() + ")");
        }
        if (((int) found.get("mode") & TYPE) != DIRECTORY) {
            throw refusal(Errno.of(ENOTDIR), "cannot be used");
        }
        int owner = (int) found.get("uid");
        if (!trusted.contains(owner)) {
            throw refusal(
                    Errno.EACCES,
                    "is not used: it belongs to uid "
                            + Integer.toUnsignedString(owner)
                            + ", not to you (uid "
                            + Integer.toUnsignedString(self)
                            + ") or root, and others may change it or a folder above it");
        }
    }

    private UntrustedBrokerException refusal(Errno errno, String why) {
        return new UntrustedBrokerException(errno, "the run directory " + dir + " " + why);
    }

    /** Whether all users of the host have numbers here. */
    private static boolean isEverybodyKnown() {
        try {
            String map = Files.readString(Path.of("/proc/self/uid_map"));
            return map.strip().replaceAll("\\s+", " ").equals(EVERYBODY);
        } catch (IOException e) {
            return false;
        }
    }

    /** From the root of all folders to the run directory. No link is left in what is behind it. */
    private static final class Walk {
        private final Set<Integer> ours;
        private final Deque<String> ahead = new ArrayDeque<>();
        private Path behind = Path.of("/");
        private int folderOwner;
        private int folderMode;
        private int rootOwner;
        private Integer other; // the only user beside those who may change what is behind
        private int links;

        Walk(Set<Integer> ours) {
            this.ours = Set.copyOf(ours);
        }

        /** Null where others than root, we and he can change where it leads, or it. */
        Integer ownerOf(Path dir) {
            putAhead(dir.toAbsolutePath());
            try {
                lookAtFolder();
                rootOwner = folderOwner;
                while (!ahead.isEmpty()) {
                    if (!step(ahead.removeFirst())) {
                        return null;
                    }
                }
            } catch (IOException e) {
                return null; // it is not there, or not to be seen
            }
            return (folderMode & OTHERS_MAY_WRITE) == 0 ? folderOwner : null;
        }

        private boolean step(String name) throws IOException {
            if (name.isEmpty() || name.equals(".")) {
                return true;
            }
            if (name.equals("..")) {
                behind = behind.getParent() == null ? behind : behind.getParent();
                lookAtFolder();
                return true;
            }
            Path path = behind.resolve(name);
            Map<String, Object> entry = lookAt(path);
            int owner = (int) entry.get("uid");
            int mode = (int) entry.get("mode");
            if (!isKept(owner)) {
                return false;
            }
            if ((mode & TYPE) != LINK) {
                behind = path;
                folderOwner = owner;
                folderMode = mode;
                return true;
            }
            Path target = Files.readSymbolicLink(path);
            if (target.isAbsolute()) {
                behind = target.getRoot();
                lookAtFolder();
            }
            putAhead(target);
            return ++links <= MAX_LINKS;
        }

        /**
         * Whether nobody else can have put an entry of this owner there, or can put another in its
         * place.
         */
        private boolean isKept(int owner) {
            boolean isOthers = other != null && other == owner;
            if ((folderMode & OTHERS_MAY_WRITE) != 0) {
                return (folderMode & STICKY) != 0 && (ours.contains(owner) || isOthers);
            }
            if (ours.contains(owner) || owner == rootOwner || isOthers) {
                return true;
            }
            if (other != null) {
                return false;
            }
            other = owner; // who has the folder above it has given it to him
            return true;
        }

        private void putAhead(Path path) {
            List<String> names = new ArrayList<>();
            path.forEach(name -> names.add(name.toString()));
            names.reversed().forEach(ahead::addFirst);
        }

        private void lookAtFolder() throws IOException {
            Map<String, Object> folder = lookAt(behind);
            folderOwner = (int) folder.get("uid");
            folderMode = (int) folder.get("mode");
        }

        private static Map<String, Object> lookAt(Path path) throws IOException {
            return Files.readAttributes(path, "unix:uid,mode", LinkOption.NOFOLLOW_LINKS);
        }
    }
}
