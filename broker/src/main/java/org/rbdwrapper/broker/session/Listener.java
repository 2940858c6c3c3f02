package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.LogLimiter;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.Epoll;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.UnixSocket;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.lang.foreign.Arena;
import java.util.function.IntConsumer;

/**
 * The door: takes connections from the listening socket, and tells who cannot be let in why.
 * Conductor's thread.
 */
final class Listener {
    private static final Logger LOG = LoggerFactory.getLogger(Listener.class);
    private static final int MAX_ACCEPTS_PER_TURN = 16;

    private final LogLimiter log = new LogLimiter(3, 60_000_000_000L);
    private final SpareDescriptor spare = new SpareDescriptor();
    private final int socket;
    private final Epoll epoll;
    private final long token;
    private boolean paused;

    /**
     * @param socket that listens, from now on owned here.
     * @param token under which the epoll tells of it.
     */
    Listener(int socket, Epoll epoll, long token) throws ErrnoException {
        this.socket = socket;
        this.epoll = epoll;
        this.token = token;
        epoll.add(socket, Epoll.IN, token);
    }

    /**
     * There are connections.
     *
     * @param begin is given the socket of each.
     */
    void accept(IntConsumer begin) {
        for (int i = 0; i < MAX_ACCEPTS_PER_TURN; i++) {
            int connection;
            try {
                connection = UnixSocket.accept(socket);
            } catch (ErrnoException e) {
                log.run(() -> LOG.error("clients cannot be let in for now: {}", e.describe()));
                if (!refuseInSpare(e)) {
                    // the connection stays in the queue and the listener ready: look again a
                    // little later
                    pause(true);
                    return;
                }
                continue;
            }
            if (connection < 0) {
                return;
            }
            begin.accept(connection);
        }
    }

    /** Connections wait, as one could be neither taken nor refused. */
    boolean isPaused() {
        return paused;
    }

    void resume() {
        pause(false);
    }

    /** Tells a client that it is not let in, and hangs up. */
    void refuse(int connection, ErrnoException why) {
        log.run(() -> LOG.warn("a client cannot be let in: {}", why.describe()));
        hangUp(connection, why);
    }

    /** Nobody comes any more. */
    void close() {
        try {
            epoll.remove(socket);
            Fd.close(socket);
            spare.close();
        } catch (ErrnoException e) {
            LOG.warn("listening socket: {}", e.describe());
        }
    }

    /** True where the next client was told that there is no descriptor for it. */
    private boolean refuseInSpare(ErrnoException full) {
        boolean refused = false;
        try {
            int connection = spare.giveUp() ? UnixSocket.accept(socket) : -1;
            if (connection >= 0) {
                hangUp(
                        connection,
                        new ErrnoException(
                                full.errno(),
                                "the broker has no descriptor left for a client: raise its limit"
                                        + " (ulimit -n, LimitNOFILE) or end some clients",
                                full));
                refused = true;
            }
            spare.takeBack();
        } catch (ErrnoException e) {
            LOG.debug("spare descriptor: {}", e.describe());
        }
        return refused;
    }

    private static void hangUp(int connection, ErrnoException why) {
        try (Arena once = Arena.ofConfined()) {
            // best effort: there is room, as nothing was sent before, unless it has gone
            UnixSocket.send(connection, ControlProxy.error(0, why).toNative(once));
        }
        try {
            Fd.close(connection);
        } catch (ErrnoException e) {
            LOG.debug("close: {}", e.describe());
        }
    }

    private void pause(boolean now) {
        paused = now;
        try {
            epoll.modify(socket, now ? 0 : Epoll.IN, token);
        } catch (ErrnoException e) {
            LOG.error("listening socket: {}", e.describe());
        }
    }
}
