package org.rbdwrapper.adm.doctor;

import org.rbdwrapper.ipc.posix.ExtendedAttributes;
import org.rbdwrapper.ipc.posix.ProcessIdentity;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Whether a program is given rights that its user has not: its loader then ignores LD_PRELOAD
 * ("secure execution" in ld.so(8)).
 */
final class Privileges {
    private static final int S_ISUID = 04000;

    /** Without the group's right to execute, the bit S_ISGID once meant something else. */
    private static final int S_ISGID = 02010;

    private static final String CAPABILITIES = "security.capability";

    private Privileges() {}

    /**
     * @param gained what this user gains by it, and nobody else is asked for; else empty.
     * @param others what other users gain by it; else empty.
     */
    record Gained(Optional<Finding> gained, Optional<Finding> others) {}

    static Gained of(Path program) throws IOException {
        Map<String, Object> file = Files.readAttributes(program, "unix:mode,uid,gid");
        int mode = (int) file.get("mode");
        int uid = (int) file.get("uid");
        int gid = (int) file.get("gid");
        if ((mode & S_ISUID) != 0) {
            return gained("setuid", "setuid to user " + uid, uid != ProcessIdentity.uid());
        }
        if ((mode & S_ISGID) == S_ISGID) {
            return gained("setgid", "setgid to group " + gid, gid != ProcessIdentity.gid());
        }
        if (ExtendedAttributes.has(program, CAPABILITIES)) {
            return gained(
                    "capabilities",
                    "has file capabilities (" + CAPABILITIES + ")",
                    ProcessIdentity.uid() != 0);
        }
        return new Gained(Optional.empty(), Optional.empty());
    }

    private static Gained gained(String code, String what, boolean byThisUser) throws IOException {
        String text = what + ": the loader ignores LD_PRELOAD in programs that gain rights";
        if (byThisUser && !cannotGain()) {
            return new Gained(
                    Optional.of(new Finding(code, text + "; run a copy of it, which gains none")),
                    Optional.empty());
        }
        return new Gained(
                Optional.empty(),
                Optional.of(new Finding(code, text + ", as this one for other users")));
    }

    /** As in many containers: the bits have no effect. */
    private static boolean cannotGain() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).contains("NoNewPrivs:\t1");
    }
}
