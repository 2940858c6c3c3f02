package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.posix.UnixSocket;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** Knows whether the broker is there, and tells all who wait when it is gone. Any thread. */
public final class Liveness {
    private static final Runnable[] NONE = {};
    private static final long LOOK_NANOS = 100_000;

    private final List<Runnable> onDeath = new ArrayList<>(); // guarded by itself, as the next
    private final List<Runnable> afterwards = new ArrayList<>();
    private final Runnable awaitHangup = this::awaitHangup; // there may be no memory for it then
    private final Runnable declareDead = this::declareDead;
    private final Runnable tellOthers = this::tellOthers;
    private final int socket;
    private volatile boolean dead;
    private volatile boolean watched;
    private boolean told; // guarded by onDeath

    /**
     * @param socket the session's; not owned.
     */
    public Liveness(int socket) {
        this.socket = socket;
    }

    /** Watches the socket by a thread of its own, which sleeps until the broker is gone. */
    public void start() {
        Thread watcher =
                LibraryThread.background(
                        "rbdw-liveness",
                        () -> {
                            LowMemory.outlast(awaitHangup);
                            watched = false;
                            LowMemory.outlast(declareDead);
                        });
        watched = true;
        try {
            watcher.start();
        } catch (Error e) { // there may be no more threads
            watched = false;
            throw e;
        }
    }

    /** After a hang-up: returns when the socket is not watched any more. */
    public void awaitUnwatched() {
        while (watched) {
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    private void awaitHangup() {
        while (!dead && !UnixSocket.awaitHangup(socket, -1)) {
            Thread.onSpinWait(); // a signal
        }
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

    /**
     * For who has noticed by other means.
     *
     * @throws OutOfMemoryError where it could not be done, and may be tried again.
     */
    public void declareDead() {
        Runnable[] actions;
        synchronized (onDeath) {
            if (dead) {
                return;
            }
            actions = onDeath.toArray(NONE);
            dead = true;
            onDeath.clear();
        }
        runAll(actions);
        LowMemory.outlast(tellOthers);
    }

    private void tellOthers() {
        Runnable[] actions;
        synchronized (onDeath) {
            actions = afterwards.toArray(NONE);
            told = true;
            afterwards.clear();
        }
        runAll(actions);
    }

    /** Each of them, whatever memory there is: others wait for what it does. */
    private static void runAll(Runnable... actions) {
        for (Runnable action : actions) {
            LowMemory.outlast(action);
        }
    }
}
