package org.rbdwrapper.client.io;

/**
 * A daemon thread of the library, on which what a program attaches to its futures may run.
 *
 * <p>No thread of the library has anything of the program's that happened to make it: a context
 * class loader or inheritable values would keep what an application server has undeployed.
 */
public final class LibraryThread extends Thread {
    private final boolean completes;

    private LibraryThread(String name, boolean completes, Runnable work) {
        super(null, work, name, 0, false);
        this.completes = completes;
        setDaemon(true);
        setContextClassLoader(null);
    }

    /** An {@link AsyncChannel}'s: what waits for an operation or a broker must not run on it. */
    static LibraryThread completer(Runnable work) {
        return new LibraryThread("rbdw-completer", true, work);
    }

    /** For what a completer must not do. */
    public static LibraryThread helper(String name, Runnable work) {
        return new LibraryThread(name, false, work);
    }

    /** One on which nothing of a program's runs. */
    public static Thread background(String name, Runnable work) {
        Thread thread =
                Thread.ofPlatform()
                        .daemon()
                        .name(name)
                        .inheritInheritableThreadLocals(false)
                        .unstarted(work);
        thread.setContextClassLoader(null);
        return thread;
    }

    /** Whether this thread completes operations. */
    public static boolean isCompleter() {
        return Thread.currentThread() instanceof LibraryThread thread && thread.completes;
    }

    /** Whether this thread is any of these: it may have begun what a file's closing waits for. */
    public static boolean isCurrent() {
        return Thread.currentThread() instanceof LibraryThread;
    }
}
