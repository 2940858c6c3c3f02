package org.rbdwrapper.client;

import org.rbdwrapper.client.io.LibraryThread;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicBoolean;

/** What a program has lost without closing it is closed when the collector finds it. Any thread. */
final class LostResources {
    /** Whose closing may wait for a broker. */
    static final Cleaner FILES = cleaner("rbdw-lost-files");

    /** Whose closing does not. */
    static final Cleaner BUFFERS = cleaner("rbdw-lost-buffers");

    private static final AtomicBoolean WARNED = new AtomicBoolean();

    private LostResources() {}

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

    private static Cleaner cleaner(String name) {
        return Cleaner.create(work -> LibraryThread.background(name, work));
    }
}
