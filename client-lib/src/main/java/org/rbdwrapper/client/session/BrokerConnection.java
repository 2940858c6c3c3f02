package org.rbdwrapper.client.session;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.GENERATION_OFFSET;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.HEADER_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MIN_ARENA_LENGTH;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.MIN_DEPTH;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.client.io.Link;
import org.rbdwrapper.client.io.Liveness;
import org.rbdwrapper.client.io.LowMemory;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.CloseImageEncoder;
import org.rbdwrapper.ipc.codec.DoneDecoder;
import org.rbdwrapper.ipc.codec.ImageOpenedDecoder;
import org.rbdwrapper.ipc.codec.ImageStatDecoder;
import org.rbdwrapper.ipc.codec.KeepEndEncoder;
import org.rbdwrapper.ipc.codec.OpenImageEncoder;
import org.rbdwrapper.ipc.codec.ReplayDoneEncoder;
import org.rbdwrapper.ipc.codec.ResumeEncoder;
import org.rbdwrapper.ipc.codec.ResumedDecoder;
import org.rbdwrapper.ipc.codec.StatEncoder;
import org.rbdwrapper.ipc.codec.WelcomeDecoder;
import org.rbdwrapper.ipc.control.ControlConnection;
import org.rbdwrapper.ipc.control.FrameBuffer;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.SharedMemory;
import org.rbdwrapper.ipc.segment.SegmentGeometry;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/** A session with one broker: its socket and its segment. Any thread. */
final class BrokerConnection {
    private final ReentrantLock turn = new ReentrantLock();
    private final ControlConnection control;
    private final Liveness liveness;
    private final Link link;
    private final long address;
    private final long length;
    private final int doorbell;
    private final long generation;
    private final long sessionId;
    private final Runnable unmapping = this::unmap;
    private boolean unmapped; // guarded by the lock of the link's buffers
    private boolean doorbellClosed; // its session's, as all of free()

    private record Opened(int handle, int objectSize, String imageId) {}

    /**
     * Of an open image.
     *
     * @param size bytes.
     * @param mappedAtNanos tells its mapping from all others that there were.
     */
    record Stat(long size, long mappedAtNanos) {}

    private BrokerConnection(
            ControlConnection control,
            Liveness liveness,
            Link link,
            long address,
            long length,
            int doorbell,
            long generation,
            long sessionId) {
        this.control = control;
        this.liveness = liveness;
        this.link = link;
        this.address = address;
        this.length = length;
        this.doorbell = doorbell;
        this.generation = generation;
        this.sessionId = sessionId;
    }

    /**
     * Connects to the first broker there is.
     *
     * @param before the session's last one; null for its first.
     * @param wasLate whether it is late, whatever this broker says.
     */
    static BrokerConnection make(Wish wish, BrokerConnection before, boolean wasLate)
            throws ErrnoException {
        return ControlThreads.call(() -> connect(wish, before, wasLate));
    }

    private static BrokerConnection connect(Wish wish, BrokerConnection before, boolean wasLate)
            throws ErrnoException {
        int[] descriptors = {-1, -1};
        ControlConnection control = ControlConnection.connect(wish.runDirs());
        long address = 0;
        long length = 0;
        BrokerConnection made;
        try {
            WelcomeDecoder welcome =
                    control.hello(
                            programName(),
                            wish.channels(),
                            wish.depth(),
                            wish.arenaLength(),
                            descriptors);
            length = welcome.segmentLength();
            long sessionId = welcome.sessionId();
            checkReceived(descriptors);
            SharedMemory.checkSealed(descriptors[0], length);
            address = SharedMemory.map(descriptors[0], length);
            UnsafeBuffer header = new UnsafeBuffer(address, HEADER_LENGTH);
            SegmentGeometry geometry = SegmentGeometry.readFrom(header, length);
            if (before != null && geometry.channels() < wish.channels()) {
                throw new ErrnoException(
                        Errno.EUSERS, "the broker gives " + geometry.channels() + " channels only");
            }
            long generation = header.getLong(GENERATION_OFFSET);
            Fd.close(descriptors[0]);
            descriptors[0] = -1;
            Liveness liveness = new Liveness(control.socket());
            Link link =
                    new Link(
                            address,
                            geometry,
                            wish.buffersLengthOf(geometry.arenaLength()),
                            descriptors[1],
                            liveness);
            made =
                    new BrokerConnection(
                            control,
                            liveness,
                            link,
                            address,
                            length,
                            descriptors[1],
                            generation,
                            sessionId);
            liveness.start();
        } catch (ErrnoException | RuntimeException | Error e) { // there may be no more threads
            giveBack(control, address, length, descriptors);
            throw e;
        }
        made.follow(before, wasLate);
        return made;
    }

    /**
     * At last: who has said so to a broker and goes on to the next for want of memory or threads is
     * late there.
     */
    private void follow(BrokerConnection before, boolean wasLate) throws ErrnoException {
        try {
            if (resume(control, before) || wasLate) {
                link.becomeLate();
            }
        } catch (ErrnoException | RuntimeException | Error e) {
            discard();
            throw e;
        }
    }

    /**
     * Tells the next broker that nobody comes back from this session, whose broker has ended: it
     * would take what was open to be in use.
     */
    void tellOfEnd(List<Path> runDirs) throws ErrnoException {
        int[] descriptors = {-1, -1};
        ControlConnection control = ControlConnection.connect(runDirs);
        try {
            control.hello(programName(), 1, MIN_DEPTH, MIN_ARENA_LENGTH, descriptors);
            resume(control, this); // and end, which is this session's end
        } finally {
            giveBack(control, 0, 0, descriptors);
        }
    }

    /** Whatever memory there is: nobody else knows of these. */
    private static void giveBack(
            ControlConnection control, long address, long length, int... descriptors)
            throws ErrnoException {
        long mapped = address;
        while (true) {
            try {
                if (mapped != 0) {
                    SharedMemory.unmap(mapped, length);
                    mapped = 0;
                }
                closeReceived(descriptors);
                control.close();
                return;
            } catch (OutOfMemoryError e) {
                LowMemory.pause();
            }
        }
    }

    private static void closeReceived(int... descriptors) throws ErrnoException {
        for (int i = 0; i < descriptors.length; i++) {
            if (descriptors[i] >= 0) {
                Fd.close(descriptors[i]);
                descriptors[i] = -1;
            }
        }
    }

    /** The kernel leaves out what this process has no numbers for. */
    private static void checkReceived(int... descriptors) throws ErrnoException {
        for (int descriptor : descriptors) {
            if (descriptor < 0) {
                throw new ErrnoException(
                        Errno.EMFILE,
                        "this process cannot take the broker's shared memory: its limit of open"
                                + " files (ulimit -n) is reached");
            }
        }
    }

    /** True where it is too late to make changes again. */
    private static boolean resume(ControlConnection control, BrokerConnection before)
            throws ErrnoException {
        return control.call(
                (frame, correlationId) -> {
                    ResumeEncoder message = new ResumeEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId)
                            .generation(before == null ? 0 : before.generation)
                            .sessionId(before == null ? 0 : before.sessionId);
                    return message.encodedLength();
                },
                ResumedDecoder.TEMPLATE_ID,
                (message, header) ->
                        new ResumedDecoder().wrapAndApplyHeader(message, 0, header).late() != 0);
    }

    Link link() {
        return link;
    }

    /** Called once, on any thread, when the broker is gone and all who wait for it were told. */
    void onDeath(Runnable action) {
        liveness.afterwards(action);
    }

    /**
     * @param file that it is.
     */
    OpenedImage open(String path, boolean read, boolean write, FileState file)
            throws ErrnoException {
        Opened opened = ask(path, read, write);
        try {
            return new OpenedImage(
                    path, read, write, opened.handle, opened.objectSize, opened.imageId, file);
        } catch (Error e) { // nobody would close it
            closeWhateverMemory(opened.handle);
            throw e;
        }
    }

    /**
     * Opens what was open with the broker before.
     *
     * @return whether it is; the image hears of it where that cannot be.
     */
    boolean reopen(OpenedImage image) throws ErrnoException {
        try {
            Opened opened = ask(image.path(), image.isRead(), image.isWrite());
            if (opened.imageId.equals(image.imageId())) {
                keepEnd(image.end(), opened.handle);
                image.reopened(opened.handle);
                return true;
            }
            close(opened.handle);
            image.lost(notReopened(Errno.ESTALE, null)); // of the same name, and another
        } catch (ErrnoException e) {
            throwIfDead(e);
            image.lost(notReopened(e.errno(), e));
        }
        return false;
    }

    private static ErrnoException notReopened(Errno errno, ErrnoException cause) {
        return new ErrnoException(
                errno, "the broker was replaced, and the next one could not open it", cause);
    }

    /**
     * Of an image that is open anew.
     *
     * @throws ErrnoException EIO: nobody knows any more how far it was written.
     */
    private void keepEnd(OpenedImage.End end, int handle) throws ErrnoException {
        if (end == OpenedImage.End.NONE) {
            return;
        }
        try {
            call(
                    (frame, correlationId) -> {
                        KeepEndEncoder message = new KeepEndEncoder();
                        message.wrapAndApplyHeader(
                                        frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                                .correlationId(correlationId)
                                .handle(Integer.toUnsignedLong(handle))
                                .begin(0)
                                .length(Long.MAX_VALUE)
                                .end(-1);
                        return message.encodedLength();
                    },
                    DoneDecoder.TEMPLATE_ID,
                    (message, header) -> message);
        } catch (ErrnoException e) {
            throwIfDead(e);
            if (end == OpenedImage.End.KEPT || !e.errno().equals(Errno.EIO)) {
                close(handle);
                throw e;
            }
        }
    }

    /** What was closed while {@link #reopen} opened it. */
    void closeReopened(OpenedImage image) throws ErrnoException {
        try {
            close(image);
        } catch (ErrnoException e) {
            throwIfDead(e);
        }
    }

    private Opened ask(String path, boolean read, boolean write) throws ErrnoException {
        return call(
                (frame, correlationId) -> {
                    OpenImageEncoder message = new OpenImageEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId);
                    message.flags().clear().read(read).write(write);
                    message.path(path);
                    return message.encodedLength();
                },
                ImageOpenedDecoder.TEMPLATE_ID,
                (message, header) -> {
                    ImageOpenedDecoder opened =
                            new ImageOpenedDecoder().wrapAndApplyHeader(message, 0, header);
                    return new Opened(
                            (int) opened.handle(), (int) opened.objectSize(), opened.imageId());
                });
    }

    void close(OpenedImage image) throws ErrnoException {
        close(image.handle());
    }

    /** {@link #close}, for who has nobody to tell that there was no memory for it. */
    void closeWhateverMemory(OpenedImage image) throws ErrnoException {
        closeWhateverMemory(image.handle());
    }

    /** One for which there was no memory was not asked for, or has ended the session. */
    private void closeWhateverMemory(int handle) throws ErrnoException {
        while (true) {
            try {
                close(handle);
                return;
            } catch (OutOfMemoryError e) {
                LowMemory.pause();
            }
        }
    }

    private void close(int handle) throws ErrnoException {
        call(
                (frame, correlationId) -> {
                    CloseImageEncoder message = new CloseImageEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId)
                            .handle(Integer.toUnsignedLong(handle));
                    return message.encodedLength();
                },
                DoneDecoder.TEMPLATE_ID,
                (message, header) -> message);
    }

    Stat stat(OpenedImage image) throws ErrnoException {
        return call(
                (frame, correlationId) -> {
                    StatEncoder message = new StatEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId)
                            .handle(Integer.toUnsignedLong(image.handle()))
                            .path("");
                    return message.encodedLength();
                },
                ImageStatDecoder.TEMPLATE_ID,
                (message, header) -> {
                    ImageStatDecoder stat =
                            new ImageStatDecoder().wrapAndApplyHeader(message, 0, header);
                    return new Stat(stat.size(), stat.mappedAt());
                });
    }

    /** Returns when everybody's requests without an answer were made again. */
    void replayDone() throws ErrnoException {
        call(
                (frame, correlationId) -> {
                    ReplayDoneEncoder message = new ReplayDoneEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId);
                    return message.encodedLength();
                },
                DoneDecoder.TEMPLATE_ID,
                (message, header) -> message);
    }

    /**
     * One at a time for each connection, and who waits for his turn holds no thread of {@link
     * ControlThreads}.
     */
    private <T> T call(
            ControlConnection.RequestEncoder request,
            int template,
            ControlConnection.AnswerDecoder<T> answer)
            throws ErrnoException {
        turn.lock();
        try {
            return ControlThreads.call(() -> control.call(request, template, answer));
        } finally {
            turn.unlock();
        }
    }

    /** What a call threw, unless it did so because the broker is gone. */
    void throwUnlessDead(ErrnoException e) throws ErrnoException {
        if (!isGone(e)) {
            throw e;
        }
        end();
    }

    /** {@link #throwUnlessDead}, likewise. */
    void throwUnlessDeadWhateverMemory(ErrnoException e) throws ErrnoException {
        if (!isGone(e)) {
            throw e;
        }
        endWhateverMemory();
    }

    private void throwIfDead(ErrnoException e) throws ErrnoException {
        if (isGone(e)) {
            throw e;
        }
    }

    private boolean isGone(ErrnoException e) {
        return link.isDead() || isHangUp(e);
    }

    /** The broker has ended while it was asked. */
    static boolean isHangUp(ErrnoException e) {
        return e.errno().equals(Errno.ENOTCONN)
                || e.errno().equals(Errno.EPIPE)
                || e.errno().equals(Errno.ECONNRESET);
    }

    /** For who cannot use it after all: no requests are made here, and no buffers. */
    void discard() {
        while (true) {
            try {
                end();
                link.retireBuffers();
                free();
                return;
            } catch (OutOfMemoryError e) {
                LowMemory.pause();
            }
        }
    }

    /** {@link #end}, for who has nobody to tell that there was no memory for it. */
    void endWhateverMemory() {
        while (true) {
            try {
                end();
                return;
            } catch (OutOfMemoryError e) {
                LowMemory.pause();
            }
        }
    }

    /** It is of no more use. May be broken off by an OutOfMemoryError, and called again. */
    void end() {
        try {
            control.hangUp(); // the thread that waits for that would stay
        } catch (ErrnoException e) {
            if (!isHangUp(e)) {
                warn(e);
            }
        }
        liveness.declareDead();
    }

    /**
     * Nobody makes requests here any more. May be broken off by an OutOfMemoryError anywhere, and
     * called again.
     */
    void free() {
        link.unmapWhenUnused(unmapping);
        try {
            closeDoorbell();
            liveness.awaitUnwatched(); // or it would watch what gets the number next
            control.close();
        } catch (ErrnoException e) {
            warn(e);
        }
    }

    private void closeDoorbell() throws ErrnoException {
        if (!doorbellClosed) {
            Fd.close(doorbell);
            doorbellClosed = true;
        }
    }

    private void unmap() {
        try {
            if (!unmapped) {
                SharedMemory.unmap(address, length);
                unmapped = true;
            }
        } catch (ErrnoException e) {
            warn(e);
        }
    }

    /** What stays of a broker that is gone does no harm but to this process's size. */
    private static void warn(ErrnoException e) {
        System.getLogger(BrokerConnection.class.getName())
                .log(System.Logger.Level.WARNING, e.describe());
    }

    /** For people: the main class or jar, as the JVM was called. */
    static String programName() {
        String command = System.getProperty("sun.java.command", "java");
        int space = command.indexOf(' ');
        String first = space < 0 ? command : command.substring(0, space);
        return first.substring(first.lastIndexOf('/') + 1);
    }
}
