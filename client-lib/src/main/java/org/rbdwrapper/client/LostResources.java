package org.rbdwrapper.client;

import org.rbdwrapper.client.io.LibraryThread;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicBoolean;

/** What a program has lost without closing it is closed when the collector finds it. Any thread. */
final class LostResources {
    /** Whose closing may wait for a broker. */
    static final LostResources FILES = new LostResources("rbdw-lost-files");

    /** Whose closing does not. */
    static final LostResources BUFFERS = new LostResources("rbdw-lost-buffers");

    private static final AtomicBoolean WARNED = new AtomicBoolean();

    private final String name;

    /**
     * Guarded by this; null until it is needed: there may be no thread for it at first, and a class
     * whose initialization fails is never usable again.
     */
    private Cleaner cleaner;

    private LostResources(String name) {
        this.name = name;
    }

    /** Has it closed when nobody has the resource any more. */
    synchronized Cleaner.Cleanable register(Object resource, Runnable close) {
        if (cleaner == null) {
            cleaner = Cleaner.create(work -> LibraryThread.background(name, work));
        }
        return cleaner.register(resource, close);
    }

    /** Once in a process: a program that does this does it again and again. */
    static void warn(String what) {
        if (WARNED.compareAndSet(false, true)) {
            System.getLogger(RbdFile.class.getName())
                    .log(
                            System.Logger.Level.WARNING,
                            what
                                    + " was lost without close() and is closed now, as others that"
                                    + " are lost will be without a word; close them in time, by"
                                    + " try-with-resources");
        }
    }
}
