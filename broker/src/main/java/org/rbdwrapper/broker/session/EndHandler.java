package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.ProcessStart;
import org.rbdwrapper.broker.image.ImageOpen;
import org.rbdwrapper.broker.image.SharedImages;
import org.rbdwrapper.broker.map.ImageMap;
import org.rbdwrapper.broker.map.Mapping;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Logical ends of files whose opens have no handle for a while: of clients that are on their way to
 * this broker from the one before, and of a process that has called exec. Its session ends with its
 * program, and the next one, which inherits the descriptor, opens the image anew when it first uses
 * it.
 *
 * <p>Conductor's thread.
 */
final class EndHandler {
    private static final long LOOK_NANOS = 100_000_000L;

    /** While somebody is awaited who may have left nothing here. */
    private static final long LONG_LOOK_NANOS = 1_000_000_000L;

    private final ImageMap map;
    private final SharedImages images;
    private final ReturnGrace grace;
    private final DelayedTasks delayed;
    private final Supplier<Collection<Session>> sessions;
    private final BooleanSupplier isStopping;
    private final Map<ImageRef, Set<Program>> programs = new HashMap<>();
    private boolean looks;
    private long nextLook;

    /** A process, which has another session or none when it has called exec. */
    private record Program(int pid, String startTime) {
        boolean isThere() {
            return startTime.equals(ProcessStart.timeOf(pid));
        }
    }

    EndHandler(
            ImageMap map,
            SharedImages images,
            ReturnGrace grace,
            DelayedTasks delayed,
            Supplier<Collection<Session>> sessions,
            BooleanSupplier isStopping) {
        this.map = map;
        this.images = images;
        this.grace = grace;
        this.delayed = delayed;
        this.sessions = sessions;
        this.isStopping = isStopping;
        images.keepEndsWhile(this::isAwaited);
        lookLater(LOOK_NANOS);
    }

    /**
     * @param begin where in the image the file begins.
     * @param end where the client last knew it; -1: it does not know.
     */
    void onKeepEnd(Reply reply, int handle, long begin, long length, long end) {
        Session.MappedOpen mapped = reply.session().opens.get(handle);
        if (mapped == null || mapped.revoked()) {
            reply.fail(
                    new ErrnoException(
                            mapped == null ? Errno.EBADF : Errno.ESHUTDOWN,
                            "keeping the end of handle " + Integer.toUnsignedString(handle)));
        } else if (begin < 0 || length < 0 || length > Long.MAX_VALUE - begin) {
            reply.fail(new ErrnoException(Errno.EINVAL, "an end of no file"));
        } else if (!mapped.open().ends().keep(mapped.open().handle(), begin, begin + length, end)) {
            reply.fail(
                    new ErrnoException(
                            Errno.EIO,
                            mapped.mapping().path()
                                    + " was truncated, and up to where it was written since is not"
                                    + " known any more"));
        } else {
            reply.done();
        }
    }

    /**
     * An open is about to be closed as its session has ended: its file is open still where its
     * process is there.
     */
    void onSessionEnd(Session session, ImageOpen open) {
        if (!open.ends().isAny()) {
            return;
        }
        if (isStopping.getAsBoolean()) {
            open.leave(); // to the next broker
            return;
        }
        Program program = new Program(session.peer.pid(), ProcessStart.timeOf(session.peer.pid()));
        if (!program.startTime().isEmpty()) {
            programs.computeIfAbsent(open.ref(), ref -> new HashSet<>()).add(program);
            open.leave();
            lookLater(LOOK_NANOS);
        }
    }

    private boolean isAwaited(ImageRef ref) {
        for (Mapping mapping : map.findByRef(ref)) {
            long id = mapping.mappedAtNanos();
            if (!grace.absentUsers(id).isEmpty()
                    || sessions.get().stream().anyMatch(s -> s.comesBackTo.mayContain(id))) {
                return true;
            }
        }
        Set<Program> left = programs.get(ref);
        if (left == null) {
            return false;
        }
        left.removeIf(program -> !program.isThere());
        if (left.isEmpty()) {
            programs.remove(ref);
        }
        return !left.isEmpty();
    }

    private void lookLater(long pauseNanos) {
        long due = System.nanoTime() + pauseNanos;
        if (!looks || due - nextLook < 0) {
            looks = true;
            nextLook = due;
            delayed.add(due - pauseNanos, pauseNanos, this::look);
        }
    }

    private void look() {
        looks = false;
        images.lookAtEnds();
        boolean isAnyAbsent =
                grace.isAnyAbsent()
                        || sessions.get().stream().anyMatch(session -> session.returning);
        if (!isAnyAbsent) {
            images.forgetLeftEnds();
        }
        if (images.areEndsAwaited()) {
            lookLater(LOOK_NANOS);
        } else if (isAnyAbsent) {
            lookLater(LONG_LOOK_NANOS);
        }
    }
}
