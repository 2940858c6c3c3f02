package org.rbdwrapper.ipc;

import org.rbdwrapper.ipc.posix.ProcessIdentity;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Where the broker's socket and state are, by environment and user.
 *
 * <p>The folder of the socket is the door to the images: its owner and mode say who may come in.
 */
public final class RunDirectories {
    public static final String SOCKET_NAME = "broker.sock";
    public static final Path SYSTEM_RUN_DIR = Path.of("/run/rbdwrapper");
    public static final Path SYSTEM_STATE_DIR = Path.of("/var/lib/rbdwrapper");

    private final Map<String, String> environment;
    private final int uid;

    public RunDirectories(Map<String, String> environment, int uid) {
        this.environment = Map.copyOf(environment);
        this.uid = uid;
    }

    /** Of this process. */
    public static RunDirectories ofThisProcess() {
        return new RunDirectories(System.getenv(), ProcessIdentity.uid());
    }

    /**
     * RBDW_RUN_DIR, else /run/rbdwrapper for root, else $XDG_RUNTIME_DIR/rbdwrapper, else
     * /tmp/rbdwrapper-UID.
     */
    public Path runDir() {
        String given = value("RBDW_RUN_DIR");
        return given != null ? Path.of(given) : ownRunDir();
    }

    /**
     * RBDW_STATE_DIR, else /var/lib/rbdwrapper for root, else rbdwrapper in $XDG_STATE_HOME or
     * ~/.local/state.
     */
    public Path stateDir() {
        String given = value("RBDW_STATE_DIR");
        if (given != null) {
            return Path.of(given);
        }
        if (uid == 0) {
            return SYSTEM_STATE_DIR;
        }
        String stateHome = value("XDG_STATE_HOME");
        if (stateHome != null) {
            return Path.of(stateHome, "rbdwrapper");
        }
        String home = value("HOME");
        return Path.of(
                home != null ? home : System.getProperty("user.home"),
                ".local",
                "state",
                "rbdwrapper");
    }

    /**
     * Where a client looks, in this order: RBDW_RUN_DIR alone if it is set, else its user's broker,
     * else the system's.
     */
    public List<Path> clientRunDirs() {
        String given = value("RBDW_RUN_DIR");
        if (given != null) {
            return List.of(Path.of(given));
        }
        Path own = ownRunDir();
        return own.equals(SYSTEM_RUN_DIR) ? List.of(own) : List.of(own, SYSTEM_RUN_DIR);
    }

    private Path ownRunDir() {
        if (uid == 0) {
            return SYSTEM_RUN_DIR;
        }
        String runtime = value("XDG_RUNTIME_DIR");
        return runtime != null ? Path.of(runtime, "rbdwrapper") : Path.of("/tmp/rbdwrapper-" + uid);
    }

    private String value(String name) {
        String value = environment.get(name);
        return value == null || value.isEmpty() ? null : value;
    }
}
