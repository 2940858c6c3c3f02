package org.rbdwrapper.broker.messenger;

import java.util.ArrayList;
import java.util.List;

/**
 * How many of a messenger's clients are at work, counted over {@link Crowd#WINDOW_NANOS}.
 *
 * <p>Owned by the messenger's thread.
 */
final class BusyClients {
    private final Crowd crowd;
    private final int messenger;
    private final List<SessionChannels> inWindow = new ArrayList<>();
    private long windowBegan;

    /**
     * @param now of {@link System#nanoTime}, as everywhere here.
     */
    BusyClients(Crowd crowd, int messenger, long now) {
        this.crowd = crowd;
        this.messenger = messenger;
        this.windowBegan = now;
    }

    /** It has had requests. */
    void add(SessionChannels session) {
        if (!session.attachment().inWindow) {
            session.attachment().inWindow = true;
            inWindow.add(session);
        }
    }

    /** It is going to be gone. */
    void remove(SessionChannels session) {
        if (session.attachment().inWindow) {
            session.attachment().inWindow = false;
            inWindow.remove(session);
        }
    }

    boolean isWindowOver(long now) {
        return now - windowBegan >= Crowd.WINDOW_NANOS;
    }

    /** The window is over, and the next one begins: whether too many clients are at work. */
    boolean count(long now) {
        long took = now - windowBegan;
        windowBegan = now;
        long busyRequests = Crowd.BUSY_REQUESTS * took / Crowd.WINDOW_NANOS;
        int busy = 0;
        for (int i = 0, n = inWindow.size(); i < n; i++) {
            SessionChannels session = inWindow.get(i);
            busy += session.takeRequests() >= busyRequests ? 1 : 0;
            session.attachment().inWindow = false;
        }
        inWindow.clear();
        return crowd.tell(messenger, busy, now);
    }
}
