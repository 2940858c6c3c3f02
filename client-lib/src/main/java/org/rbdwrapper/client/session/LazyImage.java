package org.rbdwrapper.client.session;

import org.rbdwrapper.client.io.Channels;
import org.rbdwrapper.client.io.StackRoom;
import org.rbdwrapper.client.io.Target;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.OptionalLong;

/**
 * A file's image in one of the process's further sessions, where it is opened when it is first
 * needed: the image that the file has open, and no other that has its name by then.
 *
 * <p>Any thread.
 */
public final class LazyImage {
    private final Source source;
    private final BrokerSession firstSession;
    private final OpenedImage first;
    private volatile Opened opened;
    private boolean closed; // guarded by this

    /** Which session it is; makes it where there is none yet, in one attempt. */
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

    /**
     * @param firstSession where the file is open.
     * @param first as what it is open there.
     */
    public LazyImage(Source source, BrokerSession firstSession, OpenedImage first) {
        this.source = source;
        this.firstSession = firstSession;
        this.first = first;
    }

    /**
     * Opens it, the first time.
     *
     * @throws ErrnoException ESTALE: its name leads to another image; ENOTCONN: no broker came in
     *     time; EBADF: closed; as the broker refused it, or the file was lost.
     */
    public Opened opened() throws ErrnoException {
        Opened known = opened;
        return known != null ? known : open();
    }

    /** Null before it is opened. */
    public Opened known() {
        return opened;
    }

    /** Whether {@link #opened} asks the broker, and so waits. */
    public boolean isToBeOpened() {
        return opened == null;
    }

    /** Waits for the operations under way, but for nobody who waits for a broker to open it. */
    public synchronized void close() throws ErrnoException {
        closed = true;
        if (opened != null) {
            opened.session.close(opened.image);
        }
    }

    /** Only the absence of a broker is waited for, and with nothing locked. */
    private Opened open() throws ErrnoException {
        StackRoom.requireToAsk();
        BrokerAbsence absence = new BrokerAbsence();
        while (true) {
            Opened now = attempt();
            if (now != null) {
                return now;
            }
            absence.pause();
        }
    }

    /** Null where there is no broker now. */
    private synchronized Opened attempt() throws ErrnoException {
        if (opened != null) {
            return opened;
        }
        if (closed) {
            throw new ErrnoException(Errno.EBADF, "the file is closed meanwhile");
        }
        first.checkNotLost();
        BrokerSession session;
        try {
            session = source.session();
        } catch (ErrnoException e) {
            if (FirstBroker.isAway(e)) {
                return null;
            }
            throw e;
        }
        OpenedImage image = session.openAlso(first);
        if (image == null) {
            return null;
        }
        try {
            if (isSame(session, image)) {
                opened = new Opened(session, image);
            }
        } finally {
            if (opened == null) {
                session.close(image);
            }
        }
        return opened;
    }

    /**
     * Whether both are open through one mapping. That the image is the same would not do: the file
     * may have been shut out by an unmap by force, of which no broker tells it unasked, and the
     * image been mapped anew for others.
     *
     * @return false where a broker has gone meanwhile, and it is not known.
     */
    private boolean isSame(BrokerSession session, OpenedImage image) throws ErrnoException {
        OptionalLong mapped = session.mappedAt(image);
        OptionalLong firstMapped;
        try {
            firstMapped = firstSession.mappedAt(first);
        } catch (ErrnoException e) {
            first.onFailure(e);
            throw e;
        }
        if (mapped.isEmpty() || firstMapped.isEmpty()) {
            return false;
        }
        if (mapped.getAsLong() != firstMapped.getAsLong()
                || !image.imageId().equals(first.imageId())) {
            throw new ErrnoException(Errno.ESTALE, "another image is mapped there now");
        }
        return true;
    }
}
