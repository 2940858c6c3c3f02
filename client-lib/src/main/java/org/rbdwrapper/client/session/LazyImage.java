package org.rbdwrapper.client.session;

import org.rbdwrapper.client.io.Channels;
import org.rbdwrapper.client.io.Target;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

/**
 * An image in one of the process's further sessions, where it is opened when it is first needed.
 * Any thread.
 */
public final class LazyImage {
    private final Source source;
    private final String path;
    private final boolean read;
    private final boolean write;
    private volatile Opened opened;
    private boolean closed; // guarded by this

    /** Which session it is; makes it where there is none yet. */
    @FunctionalInterface
    public interface Source {
        BrokerSession session() throws ErrnoException;
    }

    /** Where its requests go, and under which handle. */
    public record Opened(BrokerSession session, OpenedImage image) {
        public Channels channels() {
            return session.channels();
        }

        /** What operations on it name. */
        public Target target() {
            return image;
        }
    }

    public LazyImage(Source source, String path, boolean read, boolean write) {
        this.source = source;
        this.path = path;
        this.read = read;
        this.write = write;
    }

    /** Opens it, the first time. */
    public Opened opened() throws ErrnoException {
        Opened known = opened;
        return known != null ? known : open();
    }

    /** Whether {@link #opened} asks the broker, and so waits. */
    public boolean isToBeOpened() {
        return opened == null;
    }

    /** Waits for the operations under way. */
    public synchronized void close() throws ErrnoException {
        closed = true;
        if (opened != null) {
            opened.session.close(opened.image);
        }
    }

    private synchronized Opened open() throws ErrnoException {
        if (opened == null) {
            if (closed) {
                throw new ErrnoException(Errno.EBADF, "the file is closed meanwhile");
            }
            BrokerSession session = source.session();
            opened = new Opened(session, session.open(path, read, write));
        }
        return opened;
    }
}
