package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.posix.UnixSocket;

import java.util.ArrayList;
import java.util.List;

/** Knows whether the broker is there, and tells all who wait when it is gone. Any thread. */
public final class Liveness {
    private final List<Runnable> onDeath = new ArrayList<>(); // guarded by itself, as the next
    private final List<Runnable> afterwards = new ArrayList<>();
    private final int socket;
    private volatile boolean dead;
    private boolean told; // guarded by onDeath

    /**
     * @param socket the session's; not owned.
     */
    public Liveness(int socket) {
        this.socket = socket;
    }

    /** Watches the socket by a thread of its own, which sleeps until the broker is gone. */
    public void start() {
        LibraryThread.background(
                        "rbdw-liveness",
                        () -> {
                            while (!dead && !UnixSocket.awaitHangup(socket, -1)) {
                                Thread.onSpinWait(); // a signal
                            }
                            declareDead();
                        })
                .start();
    }

    public boolean isDead() {
        return dead;
    }

    /** Called once when the broker is gone, on any thread; at once where it is. */
    public void onDeath(Runnable action) {
        synchronized (onDeath) {
            if (!dead) {
                onDeath.add(action);
                return;
            }
        }
        action.run();
    }

    /** Likewise, when all of {@link #onDeath} have run: for who takes away what those need. */
    public void afterwards(Runnable action) {
        synchronized (onDeath) {
            if (!told) {
                afterwards.add(action);
                return;
            }
        }
        action.run();
    }

    /** For who has noticed by other means. */
    public void declareDead() {
        List<Runnable> actions;
        synchronized (onDeath) {
            if (dead) {
                return;
            }
            dead = true;
            actions = List.copyOf(onDeath);
            onDeath.clear();
        }
        actions.forEach(Runnable::run);
        synchronized (onDeath) {
            told = true;
            actions = List.copyOf(afterwards);
            afterwards.clear();
        }
        actions.forEach(Runnable::run);
    }
}
