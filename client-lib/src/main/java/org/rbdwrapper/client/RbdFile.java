package org.rbdwrapper.client;

import org.rbdwrapper.client.io.Channels;
import org.rbdwrapper.client.io.LibraryThread;
import org.rbdwrapper.client.io.OperationGate;
import org.rbdwrapper.client.io.SharedBuffers;
import org.rbdwrapper.client.io.StackRoom;
import org.rbdwrapper.client.session.BrokerSession;
import org.rbdwrapper.client.session.LazyImage;
import org.rbdwrapper.client.session.OpenedImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.IoErrors;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.codec.IoOp;

import java.io.IOException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/**
 * A mapped image as a file of fixed size.
 *
 * <pre>{@code
 * try (RbdFile file = RbdFile.open("/rbdw/img0")) {
 *     file.write(source, 4096);
 *     file.force();
 * }
 * }</pre>
 *
 * <p>Any number of threads, platform and virtual, may use one file at the same time. What has been
 * acknowledged to one client is seen at once by all clients of the host. Two operations on the same
 * bytes that run at the same time have no order.
 *
 * <p>Positions and lengths are in bytes and need no alignment. A transfer of any length is split as
 * the shared memory requires and joined again; it is atomic to a crash in units of 512 bytes, as on
 * a disk. An interrupt does not end an operation.
 *
 * <p>Results, buffers' positions and exceptions are those of {@link java.nio.channels.FileChannel}
 * and, of what does not wait, {@link java.nio.channels.AsynchronousFileChannel}: also {@link
 * NonReadableChannelException} and {@link NonWritableChannelException} for what the file was not
 * opened for, IllegalArgumentException for a negative position or a destination that is read-only,
 * and IllegalStateException or WrongThreadException for a buffer whose arena is closed or another
 * thread's. But for this:
 *
 * <ul>
 *   <li>A write at or past the end fails with ENOSPC, one across the end is short, and a truncation
 *       to more than the size fails with ENOSPC: an image has a fixed size. {@link #size} stays
 *       after a truncation, which moves a logical end (see {@link #truncate}).
 *   <li>A read gives -1 at every position past the end, also where the sum of position and length
 *       is no long: Linux has EINVAL for that.
 *   <li>Asynchronous operations throw at once where the calling thread may not touch the buffer:
 *       AsynchronousFileChannel's futures never complete then. For the same reason a buffer of the
 *       caller's confined arena may be used, which there fails like that.
 *   <li>{@link #forceAsync} does not wait, and its future fails instead of the call: there is no
 *       such thing in java.nio.
 *   <li>Without READ and WRITE it is opened for both: it is a disk, and is mostly there to be
 *       written.
 *   <li>APPEND is refused, since the end, where it would write, does not move; DELETE_ON_CLOSE,
 *       since images and mappings are not the program's to remove; NOFOLLOW_LINKS, since there are
 *       no links; and com.sun.nio.file.ExtendedOpenOption, since an image has no page cache to be
 *       passed by. CREATE creates nothing, since an image needs a size.
 *   <li>An interrupt does not close the file, and {@link #close} waits for operations that are
 *       under way, where FileChannel ends them with AsynchronousCloseException: a request that the
 *       broker has may yet be done.
 * </ul>
 *
 * <p>Failures are those of {@code java.nio.file} where there is one ({@code NoSuchFileException},
 * {@code AccessDeniedException}, …; see {@link IoErrors}), else {@link ErrnoException}, whose
 * {@code errno()} is the number that the store gave. What a future fails with is the same
 * exception, the cause of {@code get()}'s ExecutionException and {@code join()}'s
 * CompletionException, with SYNC or without.
 *
 * <p>The JVM must be started with {@code --add-exports java.base/jdk.internal.misc=ALL-UNNAMED};
 * add {@code --enable-native-access=ALL-UNNAMED} to keep it from warning.
 */
public final class RbdFile implements AutoCloseable {
    /**
     * Bytes: for less, a copy takes less time than the thread that takes responses needs to wake
     * the waiting one.
     */
    private static final int IN_PLACE_LEAST = 64 * 1024;

    /** Bytes, as in the C library; the longest name that an image can have is shorter. */
    private static final int MAX_PATH = 1023;

    private final BrokerSession session;
    private final OpenedImage image;
    private final LazyImage inPlace;
    private final OpenModes modes;

    /** What has several steps passes it: {@link #close} waits for the last of them. */
    private final OperationGate gate = new OperationGate();

    private final AsyncOperations async;
    private final FileOpens opens;
    private final Cleaner.Cleanable whenLost;

    private RbdFile(
            BrokerSession session,
            OpenedImage image,
            LazyImage queued,
            LazyImage inPlace,
            OpenModes modes) {
        this.session = session;
        this.image = image;
        this.inPlace = inPlace;
        this.modes = modes;
        this.async = new AsyncOperations(image, queued, inPlace, gate);
        this.opens = new FileOpens(session, image, queued, inPlace, gate);
        this.whenLost = LostResources.FILES.register(this, opens::closeLost);
    }

    /**
     * Opens an image for reading and writing, or as the options say: READ, WRITE; SYNC or DSYNC, so
     * that each write is durable when it returns; TRUNCATE_EXISTING with WRITE, as {@link
     * #truncate} to 0 does; CREATE_NEW with WRITE, which fails where there is the image. CREATE and
     * SPARSE change nothing: an image has its size.
     *
     * @param path as {@code rbdwrapper-adm map} printed it: {@code /rbdw/NAME}.
     * @throws IOException ENOENT: it is not mapped; EACCES: its owner and mode do not let this user
     *     in; EROFS: it is mapped read-only; ECONNREFUSED: no broker is running; ENAMETOOLONG: the
     *     path has more than 1023 bytes; EINVAL: {@code RBDW_RECONNECT_TIMEOUT} is no number.
     * @throws UnsupportedOperationException for APPEND, DELETE_ON_CLOSE and options that are no
     *     {@link java.nio.file.StandardOpenOption}.
     * @throws IllegalStateException where a JVM option is missing; it names the option.
     */
    public static RbdFile open(String path, OpenOption... options) throws IOException {
        JvmOptions.check();
        return open(RunDirectories.ofThisProcess().clientRunDirs(), path, options);
    }

    /**
     * {@link #open} through the broker of this run directory, whatever the environment says: for
     * programs that use several.
     */
    public static RbdFile openAt(Path runDir, String path, OpenOption... options)
            throws IOException {
        JvmOptions.check();
        return open(List.of(runDir), path, options);
    }

    private static RbdFile open(List<Path> runDirs, String path, OpenOption... options)
            throws IOException {
        StackRoom.requireToAsk();
        OpenModes modes = OpenModes.of(options);
        checkPath(path);
        RbdFile file;
        try {
            file = opened(runDirs, path, modes);
        } catch (ErrnoException e) {
            throw IoErrors.exception(e, path);
        }
        if (modes.createNew()) {
            file.refuseOpened();
        }
        if (modes.truncate()) {
            file.truncateOpened();
        }
        return file;
    }

    private static RbdFile opened(List<Path> runDirs, String path, OpenModes modes)
            throws ErrnoException {
        BrokerSession session = BrokerSession.of(runDirs);
        OpenedImage image = session.open(path, modes.read(), modes.write());
        try {
            return new RbdFile(
                    session,
                    image,
                    new LazyImage(() -> BrokerSession.queueOf(runDirs), session, image),
                    new LazyImage(() -> BrokerSession.buffersOf(runDirs), session, image),
                    modes);
        } catch (Error e) { // nobody would close it
            session.close(image);
            throw e;
        }
    }

    /** The broker's messages have no room for any length. */
    private static void checkPath(String path) throws IOException {
        if (path.getBytes(StandardCharsets.UTF_8).length > MAX_PATH) {
            throw new ErrnoException(
                    Errno.ENAMETOOLONG, "open: the path has more than " + MAX_PATH + " bytes");
        }
    }

    private void refuseOpened() throws IOException {
        close();
        throw new FileAlreadyExistsException(
                path(), null, "it is mapped already: open it without CREATE_NEW");
    }

    private void truncateOpened() throws IOException {
        try {
            truncate(0);
        } catch (IOException | RuntimeException e) {
            try {
                close();
            } catch (IOException closing) {
                e.addSuppressed(closing);
            }
            throw e;
        }
    }

    /**
     * Reads into what is left of a buffer, as much as there is up to the image's end.
     *
     * @return bytes read, 0 where the buffer is full, -1 where the position is at or past the end.
     * @throws IllegalArgumentException for a negative position or a read-only buffer.
     * @throws NonReadableChannelException where it is open for writing only.
     */
    public int read(ByteBuffer destination, long position) throws IOException {
        Objects.requireNonNull(destination, "destination");
        checkPosition(position);
        checkOpen();
        checkReadable();
        checkMayChange(destination);
        if (!destination.hasRemaining()) {
            return 0;
        }
        int done = (int) transfer(IoOp.READ, destination, position);
        return done == 0 ? -1 : done;
    }

    /**
     * Writes what is left of a buffer; fewer bytes where the image ends within it.
     *
     * @return bytes written.
     * @throws IOException ENOSPC where the position is at or past the end.
     * @throws IllegalArgumentException for a negative position.
     * @throws NonWritableChannelException where it is open for reading only.
     */
    public int write(ByteBuffer source, long position) throws IOException {
        Objects.requireNonNull(source, "source");
        checkPosition(position);
        checkOpen();
        checkWritable();
        if (!source.hasRemaining()) {
            return 0;
        }
        return modes.synced()
                ? writeSynced(source, position)
                : (int) transfer(IoOp.WRITE, source, position);
    }

    private int writeSynced(ByteBuffer source, long position) throws IOException {
        if (!gate.begin()) {
            throw new ClosedChannelException();
        }
        try {
            int done = (int) transfer(IoOp.WRITE, source, position);
            flush();
            return done;
        } finally {
            gate.end();
        }
    }

    /**
     * {@link #read} without waiting, but for the first such operation on a file, which opens the
     * image once more, for all of them. The buffer belongs to the operation until the future is
     * complete, and has its new position then. A wait that ends too early ({@code get} with a
     * time-out) does not complete it.
     *
     * <p>Who completes the future himself ({@code cancel}, {@code orTimeout}, {@code complete}; not
     * that of a stage which depends on it) has the buffer back when it is complete: it is as it was
     * left by a copy that was under way, its position has not moved, and nothing touches it any
     * more. Of a write, the parts that were with the broker by then are done, in whole, from copies
     * of the bytes; the others are not. A buffer of {@link #allocate} is the exception: the store
     * itself reads it or writes to it until it has answered, whatever became of the future.
     *
     * <p>What is thrown while the buffer is copied fails this operation alone, with what was
     * thrown: {@link IllegalStateException} where its arena was closed meanwhile, {@link
     * WrongThreadException} where that is confined to another thread than the library's, {@link
     * InternalError} where a mapped file has become shorter. It fails when the broker has answered
     * all that was under way.
     *
     * <p>What depends on the future runs on the library's thread, which completes the asynchronous
     * operations of all files: it must not block. It may start operations but not wait for one, nor
     * for a lock whose holder waits for an operation or closes a file, nor open a file, ask for its
     * size or allocate buffers. Whoever must, attaches it by {@code thenApplyAsync} and its like.
     */
    public CompletableFuture<Integer> readAsync(ByteBuffer destination, long position) {
        checkPosition(position);
        checkReadable();
        checkMayChange(destination);
        if (isOpen() && !destination.hasRemaining()) {
            return CompletableFuture.completedFuture(0);
        }
        try {
            return async.transfer(IoOp.READ, destination, position);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** {@link #write} without waiting, under {@link #readAsync}'s rules. */
    public CompletableFuture<Integer> writeAsync(ByteBuffer source, long position) {
        checkPosition(position);
        checkWritable();
        if (isOpen() && !source.hasRemaining()) {
            return CompletableFuture.completedFuture(0);
        }
        try {
            return modes.synced()
                    ? async.writeSynced(source, position)
                    : async.transfer(IoOp.WRITE, source, position);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Returns when every write that was acknowledged before, by whatever client of this host, is
     * durable.
     */
    public void force() throws IOException {
        checkOpen();
        flush();
    }

    /**
     * {@link #force} without waiting; what depends on it must not block: see {@link #readAsync}.
     */
    public CompletableFuture<Void> forceAsync() {
        try {
            return async.flush();
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private void flush() throws IOException {
        command(IoOp.FLUSH, 0, 0);
    }

    /**
     * Memory that the store reads and writes without a copy in between, for this file and every
     * other that this process opens through the same broker: asynchronous operations on it, and
     * others of 64 KiB and more, transfer in place. All such buffers of a process share 16 MiB.
     *
     * @param length bytes, at least 1.
     * @throws IOException ENOMEM where less than that is left in a row.
     * @throws IllegalArgumentException where the length is not positive.
     */
    public RbdBuffer allocate(int length) throws IOException {
        if (length <= 0) {
            throw new IllegalArgumentException("a buffer of " + length + " bytes");
        }
        StackRoom.requireToAsk();
        checkUsable();
        Channels channels = openedInPlace().channels();
        try {
            SharedBuffers.Region region = channels.allocate(length);
            if (region == null) {
                throw new ErrnoException(
                        Errno.ENOMEM,
                        "a buffer of "
                                + length
                                + " bytes: the buffers of this process have "
                                + channels.buffers().capacity()
                                + " together, close some");
            }
            return bufferOf(region, length);
        } catch (ErrnoException e) {
            throw FileErrors.failure(image, e);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private static RbdBuffer bufferOf(SharedBuffers.Region region, int length) {
        try {
            return new RbdBuffer(region, length);
        } catch (Error e) {
            region.close();
            throw e;
        }
    }

    /**
     * Gives a range back to the store. It reads as zeroes where the store could drop it whole; call
     * {@link #writeZeroes} where it must.
     *
     * @throws IllegalArgumentException for a negative position or length.
     * @throws NonWritableChannelException where it is open for reading only.
     */
    public void discard(long position, long length) throws IOException {
        range(IoOp.DISCARD, position, length);
    }

    /**
     * Makes a range read as zeroes, without sending them.
     *
     * @throws IllegalArgumentException for a negative position or length.
     * @throws NonWritableChannelException where it is open for reading only.
     * @throws IOException ENOSPC where the range begins at or past the end.
     */
    public void writeZeroes(long position, long length) throws IOException {
        range(IoOp.WRITE_ZEROES, position, length);
    }

    /**
     * Makes the file this long, as {@link java.nio.channels.FileChannel#truncate} does a regular
     * one, as far as an image can be: what is skipped behind that reads as zeroes. From then on the
     * file has a logical end, which is this length. A write that leaves out bytes behind the end,
     * or a truncation to more, first makes them read as zeroes and then moves the end; so does
     * every write to the image by anybody on this host. What lies behind the end stays as it was,
     * can be read, and is the image's; {@link #size} stays, too. The end is forgotten when all who
     * have truncated the image have closed it.
     *
     * <p>May take long where much is to be made zeroes.
     *
     * @param length bytes; it may be more than the end so far.
     * @throws IllegalArgumentException for a negative length.
     * @throws NonWritableChannelException where it is open for reading only.
     * @throws IOException ENOSPC where the image is shorter.
     */
    public void truncate(long length) throws IOException {
        checkOpen();
        checkLength(length);
        checkWritable();
        boolean done = false;
        image.onTruncation();
        try {
            command(IoOp.TRUNCATE, length, Long.MAX_VALUE);
            done = true;
        } finally {
            image.onTruncated(done);
        }
    }

    /** Bytes; asks the broker, and so follows a resize. */
    public long size() throws IOException {
        StackRoom.requireToAsk();
        checkUsable();
        try {
            return session.size(image);
        } catch (ErrnoException e) {
            image.onFailure(e);
            throw IoErrors.exception(e, image.path());
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** {@code /rbdw/NAME}. */
    public String path() {
        return image.path();
    }

    /** The image's identity, which outlives its name. */
    public String imageId() {
        return image.imageId();
    }

    /**
     * Bytes that the store keeps together: transfers of this length, at multiples of it, are the
     * most efficient.
     */
    public int objectSize() {
        return image.objectSize();
    }

    public boolean isOpen() {
        return gate.isOpen();
    }

    /**
     * Waits for the operations that are under way, also for the next broker where theirs is killed
     * meanwhile (RBDW_RECONNECT_TIMEOUT bounds that); their futures are complete then or at once
     * after. Later operations throw {@link ClosedChannelException}. A second call returns at once.
     * Does not flush: writes that were acknowledged are in the store's hands, but only {@link
     * #force} makes them durable.
     *
     * <p>A file that the program has lost without closing it is closed when the collector finds it,
     * and the log says so once.
     *
     * <p>On the library's thread (see {@link #readAsync}) it returns at once, too, and a thread of
     * its own does the rest, whose failure is that thread's uncaught exception. Where there can be
     * no such thread, it throws an OutOfMemoryError, and is to be called again.
     */
    @Override
    public void close() throws IOException {
        StackRoom.requireToAsk();
        if (!opens.beginClosing()) {
            return;
        }
        if (LibraryThread.isCurrent()) {
            opens.closeElsewhere();
        } else {
            opens.close();
        }
        whenLost.clean(); // only that it is not kept for that
    }

    private void range(IoOp op, long position, long length) throws IOException {
        checkPosition(position);
        checkLength(length);
        checkOpen();
        checkWritable();
        if (length > 0) {
            command(op, position, length);
        }
    }

    private long transfer(IoOp op, ByteBuffer buffer, long position) throws IOException {
        StackRoom.require();
        checkUsable();
        try {
            if (buffer.remaining() >= IN_PLACE_LEAST && SharedBuffers.mayHold(buffer)) {
                LazyImage.Opened opened = openedInPlace();
                long done =
                        opened.channels().transferInPlace(op, opened.target(), buffer, position);
                if (done >= 0) {
                    return done;
                }
            }
            return session.channels().transfer(op, image, buffer, position);
        } catch (ErrnoException e) {
            throw FileErrors.failure(image, e);
        } finally {
            Reference.reachabilityFence(this); // or it could be closed as one that was lost
        }
    }

    private LazyImage.Opened openedInPlace() throws IOException {
        try {
            return inPlace.opened();
        } catch (ErrnoException e) {
            throw FileErrors.refusal(image, e);
        }
    }

    private void command(IoOp op, long position, long length) throws IOException {
        StackRoom.require();
        checkNotLost();
        try {
            session.channels().command(op, image, position, length);
        } catch (ErrnoException e) {
            throw FileErrors.failure(image, e);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private void checkUsable() throws IOException {
        checkOpen();
        checkNotLost();
    }

    private void checkNotLost() throws IOException {
        try {
            image.checkNotLost();
        } catch (ErrnoException e) {
            throw FileErrors.refusal(image, e);
        }
    }

    private void checkOpen() throws ClosedChannelException {
        if (!isOpen()) {
            throw new ClosedChannelException();
        }
    }

    private void checkReadable() {
        if (!modes.read()) {
            throw new NonReadableChannelException();
        }
    }

    private void checkWritable() {
        if (!modes.write()) {
            throw new NonWritableChannelException();
        }
    }

    private static void checkMayChange(ByteBuffer destination) {
        if (destination.isReadOnly()) {
            throw new IllegalArgumentException("Read-only buffer"); // the words of java.nio
        }
    }

    private static void checkLength(long length) {
        if (length < 0) {
            throw new IllegalArgumentException("negative length: " + length);
        }
    }

    private static void checkPosition(long position) {
        if (position < 0) {
            throw new IllegalArgumentException("negative position: " + position);
        }
    }
}
