package org.rbdwrapper.client.io;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.UnixSocket;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Knows whether the broker is there, and tells all who wait when it is gone. Any thread. */
public final class Liveness {
    private final List<Runnable> onDeath = new CopyOnWriteArrayList<>();
    private final int socket;
    private volatile boolean dead;

    /**
     * @param socket the session's; not owned.
     */
    public Liveness(int socket) {
        this.socket = socket;
    }

    /** Watches the socket by a thread of its own, which sleeps until the broker is gone. */
    public void start() {
        Thread.ofPlatform()
                .daemon()
                .name("rbdw-liveness")
                .start(
                        () -> {
                            while (!dead && !UnixSocket.awaitHangup(socket, -1)) {
                                Thread.onSpinWait(); // a signal
                            }
                            declareDead();
                        });
    }

    public boolean isDead() {
        return dead;
    }

    /**
     * @throws ErrnoException ENOTCONN where the broker is gone.
     */
    public void check() throws ErrnoException {
        if (dead) {
            throw new ErrnoException(
                    Errno.ENOTCONN, "the broker has gone: open again when it is back");
        }
    }

    /** Called once, on any thread, when the broker is gone. */
    public void onDeath(Runnable action) {
        onDeath.add(action);
        if (dead) {
            action.run();
        }
    }

    public void declareDead() {
        if (!dead) {
            dead = true;
            onDeath.forEach(Runnable::run);
        }
    }
}
