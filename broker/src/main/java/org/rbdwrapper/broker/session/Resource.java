package org.rbdwrapper.broker.session;

import org.rbdwrapper.ipc.Errno;

/** What is counted of clients, so that none can take it all. */
enum Resource {
    SESSIONS("sessions", "sessions", "end some of them or raise --max-sessions"),

    /** Each is looked at whenever its messenger turns. */
    CHANNELS("channels", "channels", "end some of them or raise --max-sessions"),

    /**
     * The most that can be in flight, which is the sum of the channels' depths: counted when a
     * session begins, so that no request pays for it. Each takes some 60 bytes of the heap.
     */
    REQUESTS("requests", "requests in flight at most", "end some clients or raise --max-sessions"),

    /** The sessions' segments; bytes. */
    MEMORY("memory", "bytes of shared memory", "end some clients or raise --max-memory"),

    /** What a client has sent of a message, and what it has not read of its answers; bytes. */
    UNREAD(
            "unread",
            "bytes of answers that are not read and of requests that are not complete",
            "it must read its answers"),

    OPENS("opens", "opens", "close some of them or raise --max-opens"),

    /** What programs' descriptors stand for, also where no process of them has a session. */
    DESCRIPTIONS(
            "descriptions",
            "images open by descriptors",
            "close some of them or raise --max-opens");

    /** As {@code status} shows it. */
    final String key;

    /** As it stands behind a number. */
    final String unit;

    final String advice;

    Resource(String key, String unit, String advice) {
        this.key = key;
        this.unit = unit;
        this.advice = advice;
    }

    /** With which more of it is refused. */
    Errno errno() {
        return switch (this) {
            case SESSIONS, CHANNELS, REQUESTS -> Errno.EUSERS;
            case MEMORY -> Errno.ENOMEM;
            case UNREAD -> Errno.ENOBUFS;
            case OPENS, DESCRIPTIONS -> Errno.ENFILE;
        };
    }
}
