package org.rbdwrapper.broker.messenger;

/**
 * What a messenger notes down of a session that is attached to it. Owned by the messenger's thread.
 */
final class Attachment {
    /** Rings that a client has in advance of its requests: one late ring each of many threads. */
    private static final int MAX_RINGS = 64;

    private static final int NOWHERE = -1;

    /** Of {@link Doorbells}; 0 is nobody's. */
    long token;

    /** Of {@link Doorbells}: its doorbell is not listened to before. */
    boolean muted;

    /** Of {@link Doorbells}, where it is muted. */
    long mutedUntil;

    /** Of {@link ActiveSessions}. */
    int place = NOWHERE;

    /** Of {@link ActiveSessions}: it had requests since that looked last. */
    boolean worked;

    /** Of {@link SessionsUnderWay}. */
    boolean underWay;

    /** Of {@link BusyClients}. */
    boolean inWindow;

    private int rings = MAX_RINGS;

    boolean isActive() {
        return place != NOWHERE;
    }

    void leave() {
        place = NOWHERE;
    }

    /** So many were taken from its rings, each of which may have been rung for. */
    void onRequests(int requests) {
        worked = true;
        rings = Math.min(MAX_RINGS, rings + requests);
    }

    /** Its doorbell has rung: false where that was once too often without any request. */
    boolean onRing() {
        return --rings >= 0;
    }

    /** It rings once more by itself. */
    void onUnmute() {
        muted = false;
        rings = Math.max(rings, 0) + 1;
    }
}
