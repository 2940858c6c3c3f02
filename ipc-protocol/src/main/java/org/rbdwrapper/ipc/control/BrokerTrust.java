package org.rbdwrapper.ipc.control;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.KeptPath;
import org.rbdwrapper.ipc.posix.ProcessIdentity;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.util.HashSet;
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
    private static final int OTHERS_MAY_WRITE = KeptPath.GROUP_AND_OTHERS_MAY_WRITE;

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
        addOwner(dir, trusted);
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
        } catch (IOException | UnsupportedOperationException | NoClassDefFoundError e) {
            return false; // also of a runtime that was linked without the module jdk.net
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
        if (((int) found.get("mode") & KeptPath.TYPE) != KeptPath.FOLDER) {
            throw refusal(Errno.ENOTDIR, "cannot be used");
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

    /** Where he may run its broker. */
    private static void addOwner(Path dir, Set<Integer> trusted) {
        try {
            KeptPath path = KeptPath.of(dir, trusted, OTHERS_MAY_WRITE);
            if (path.isKept() && (path.mode() & OTHERS_MAY_WRITE) == 0) {
                trusted.add(path.owner());
            }
        } catch (IOException e) {
            return; // it is not there, or not to be seen: checkDirectory says so
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
}
