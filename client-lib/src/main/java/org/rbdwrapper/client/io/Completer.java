package org.rbdwrapper.client.io;

/** An {@link AsyncChannel}'s thread: what waits for an operation must not run on it. */
final class Completer extends Thread {
    Completer(Runnable work) {
        super(work, "rbdw-completer");
        setDaemon(true);
    }
}
