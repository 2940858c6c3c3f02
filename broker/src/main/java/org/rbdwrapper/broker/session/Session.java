package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.image.ImageOpen;
import org.rbdwrapper.broker.map.Mapping;
import org.rbdwrapper.broker.messenger.Messenger;
import org.rbdwrapper.broker.messenger.OpenHandle;
import org.rbdwrapper.broker.messenger.OpenMappings;
import org.rbdwrapper.broker.messenger.RequestLedger;
import org.rbdwrapper.broker.messenger.SessionChannels;
import org.rbdwrapper.broker.messenger.UnflushedMappings;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.control.FrameAssembler;
import org.rbdwrapper.ipc.control.FrameBuffer;
import org.rbdwrapper.ipc.posix.UnixSocket;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A client, from its connection to the end of its last request: its socket, who it is, what it has
 * open. Owned by the conductor.
 */
final class Session {
    /** What a client may leave unread before it is given up. */
    private static final int MAX_UNSENT = 2 * FrameBuffer.MAX_BROKER_FRAME;

    /** What one client may have under way at a time. */
    static final int MAX_PENDING_REQUESTS = 16;

    /** One comes with a message, and a client may have a few messages under way. */
    private static final int MAX_RECEIVED = 8;

    final long id;
    final int socket;
    final UnixSocket.Peer peer;
    final Set<Integer> gids;
    final long connectedAtNanos;
    final long helloDeadlineNanos;
    final FrameAssembler assembler = new FrameAssembler(FrameBuffer.MAX_CLIENT_FRAME);
    final Map<Integer, MappedOpen> opens = new HashMap<>();
    String program = "";

    /** Read by workers, too, which need not do what nobody wants any more. */
    private volatile State state = State.SILENT;

    /** It is among those whose messages are taken in turn: {@link ControlTurns} sees to it. */
    boolean isQueued;

    /** Its socket is not looked at until its turn comes. */
    boolean isMuted;

    /** The events of its socket that the conductor's epoll looks for. */
    int interest;

    /** Its client comes back when this broker is replaced. */
    boolean resumable;

    /** Its client's sessions with brokers before, as long as it may come back by their keys. */
    Set<SessionKey> before = Set.of();

    /** What it had open, as long as it may not have it again. */
    OpenMappings comesBackTo = OpenMappings.NONE;

    /** What it had without an answer is not made again. */
    boolean late;

    /** Where what it opens again may lack what it has written. */
    UnflushedMappings unflushed = UnflushedMappings.NONE;

    /** It comes from a broker before, and has not yet all that it had. */
    boolean returning;

    /** An image that it had open cannot be opened yet. */
    boolean reopenRefused;

    /** Since when; of {@link System#nanoTime}. */
    long refusedSinceNanos;

    /** Where its requests are counted. */
    RequestLedger ledger = RequestLedger.inHeap();

    /** Both null for a session without channels. */
    SessionChannels channels;

    Messenger messenger;

    /** I/O requests of handles that are closed. */
    long finishedRequests;

    /** Requests that are being worked on; no more frames are taken while there are too many. */
    int pendingRequests;

    /** Of these, opens that are made now, or again in a moment. */
    int pendingOpens;

    /** What it holds of what is limited; all but its opens, which may outlive it. */
    private final Map<Resource, Long> held = new EnumMap<>(Resource.class);

    /** Opens that are being closed: requests of theirs may still use this session's memory. */
    private int closings;

    /** Their handles. */
    private final Set<OpenHandle> draining = new HashSet<>();

    private Runnable whenClosed = () -> {};

    /** Received, and not taken yet by the message with which they came. */
    private final ArrayDeque<Integer> received = new ArrayDeque<>();

    private final BitSet handleIndexes = new BitSet();
    private int handleUse;
    private byte[] unsent = new byte[0];

    /** What may be expected of it. */
    private enum State {
        /** It has not said who it is, and is given up after a while. */
        SILENT,
        /** It has said it, and its memory is being made; nothing more of it is taken meanwhile. */
        GREETED,
        /** Its messages are answered. */
        WELCOME,
        /** Nothing of it is answered any more; what it had under way is waited for. */
        ENDED,
        /** Nothing of it is there any more, but perhaps requests of its that workers have. */
        FREED
    }

    /**
     * An open and the mapping through which it was made.
     *
     * @param description for which programs have descriptors; null where only the session has it.
     */
    record MappedOpen(
            ImageOpen open, Mapping mapping, boolean revoked, FileDescription description) {
        MappedOpen asRevoked() {
            return new MappedOpen(open, mapping, true, description);
        }

        MappedOpen of(FileDescription shared) {
            return new MappedOpen(open, mapping, revoked, shared);
        }
    }

    Session(
            long id,
            int socket,
            UnixSocket.Peer peer,
            Set<Integer> gids,
            long connectedAtNanos,
            long helloDeadlineNanos) {
        this.id = id;
        this.socket = socket;
        this.peer = peer;
        this.gids = gids;
        this.connectedAtNanos = connectedAtNanos;
        this.helloDeadlineNanos = helloDeadlineNanos;
    }

    boolean isSilent() {
        return state == State.SILENT;
    }

    boolean isWelcome() {
        return state == State.WELCOME;
    }

    /** Any thread. */
    boolean isEnded() {
        return state == State.ENDED || state == State.FREED;
    }

    boolean isFreed() {
        return state == State.FREED;
    }

    void greeted() {
        state = State.GREETED;
    }

    void welcomed() {
        state = State.WELCOME;
    }

    void ended() {
        state = State.ENDED;
    }

    void freed() {
        state = State.FREED;
    }

    /** Whether its next message may be taken: it has room for the answer, and has read the last. */
    boolean takesMessages() {
        return state != State.GREETED && pendingRequests < MAX_PENDING_REQUESTS && !hasUnsent();
    }

    /** Until {@link #giveBackAll}. */
    void take(SessionLimits limits, Resource resource, long amount) throws ErrnoException {
        limits.take(peer.uid(), resource, amount);
        held.merge(resource, amount, Long::sum);
    }

    /** What it makes us keep of its messages and of its answers is counted as it is now. */
    void takeUnread(SessionLimits limits) throws ErrnoException {
        long now = (long) assembler.allocated() + unsent.length;
        long before = held.getOrDefault(Resource.UNREAD, 0L);
        if (now > before) {
            take(limits, Resource.UNREAD, now - before);
        } else if (now < before) {
            limits.giveBack(peer.uid(), Resource.UNREAD, before - now);
            held.put(Resource.UNREAD, now);
        }
    }

    void giveBackAll(SessionLimits limits) {
        held.forEach((resource, amount) -> limits.giveBack(peer.uid(), resource, amount));
        held.clear();
    }

    /**
     * Keeps descriptors that came with a part of a message.
     *
     * @return false where it sends more than it says what for.
     */
    boolean keepReceived(int[] descriptors) {
        for (int descriptor : descriptors) {
            if (descriptor >= 0) {
                received.add(descriptor);
            }
        }
        return received.size() <= MAX_RECEIVED;
    }

    /** The descriptor of the message that is handled, the caller's to close; -1: none came. */
    int takeReceived() {
        Integer descriptor = received.poll();
        return descriptor == null ? -1 : descriptor;
    }

    /** A handle's number that was not used before. */
    int takeHandle() throws ErrnoException {
        int index = handleIndexes.nextClearBit(0);
        if (index >= SessionChannels.maxHandles()) {
            throw new ErrnoException(
                    Errno.EMFILE,
                    "this process has "
                            + index
                            + " opens already, the most of one session: close some of them");
        }
        handleIndexes.set(index);
        return SessionChannels.handleNumber(index, ++handleUse);
    }

    void giveBackHandle(int handle) {
        handleIndexes.clear(SessionChannels.handleIndex(handle));
    }

    Collection<MappedOpen> mappedOpens() {
        return opens.values();
    }

    /**
     * Sends, or keeps what the socket does not take.
     *
     * @return false where the client is gone, or has not read for too long.
     */
    boolean send(FrameBuffer frame, int... descriptors) {
        byte[] bytes = frame.toBytes();
        int sent = 0;
        if (unsent.length == 0) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment memory = MemorySegment.ofArray(bytes);
                MemorySegment copy = arena.allocate(bytes.length).copyFrom(memory);
                long n =
                        descriptors.length > 0
                                ? UnixSocket.sendWithDescriptors(socket, copy, descriptors)
                                : UnixSocket.send(socket, copy);
                if (n < 0 && n != -Errno.EAGAIN.number()) {
                    return false;
                }
                sent = (int) Math.max(n, 0);
            }
        }
        if (sent == 0 && descriptors.length > 0) {
            return false; // full: of a client that has not read its last answers
        }
        return keep(bytes, sent);
    }

    /** The socket takes more. */
    boolean sendUnsent() {
        byte[] bytes = unsent;
        unsent = new byte[0];
        try (Arena arena = Arena.ofConfined()) {
            long n =
                    UnixSocket.send(
                            socket,
                            arena.allocate(bytes.length).copyFrom(MemorySegment.ofArray(bytes)));
            if (n < 0 && n != -Errno.EAGAIN.number()) {
                return false;
            }
            return keep(bytes, (int) Math.max(n, 0));
        }
    }

    boolean hasUnsent() {
        return unsent.length > 0;
    }

    /** An open begins to be closed; what is returned runs when it is. */
    Runnable closing(OpenHandle handle, Runnable done) {
        closings++;
        draining.add(handle);
        return () -> {
            closings--;
            draining.remove(handle);
            try {
                done.run();
            } finally {
                if (closings == 0) {
                    whenClosed.run();
                }
            }
        };
    }

    /** What is waited for: the opens that are being closed, and their requests. */
    long unfinished() {
        long sum = closings;
        for (OpenHandle handle : draining) {
            sum += handle.inFlight();
        }
        return sum;
    }

    /**
     * It has ended: runs it once, when no open of it is being closed any more; also those that its
     * client or an unmapping had begun to close before.
     */
    void whenClosed(Runnable then) {
        if (closings == 0) {
            then.run();
        } else {
            whenClosed = then;
        }
    }

    /** Whether this is in use by it, or will be when it has come back. */
    boolean uses(Mapping mapping) {
        return comesBackTo.mayContain(mapping.mappedAtNanos()) || !opensOf(mapping).isEmpty();
    }

    /** What it has open through this mapping. */
    List<MappedOpen> opensOf(Mapping mapping) {
        return opens.values().stream()
                .filter(open -> !open.revoked() && open.mapping().id() == mapping.id())
                .toList();
    }

    /** I/O requests so far. */
    long requests() {
        long sum = finishedRequests;
        for (MappedOpen open : opens.values()) {
            sum += open.open().handle().requests();
        }
        return sum;
    }

    /** Whether its store has something to do for it. */
    boolean isWorkedFor() {
        return pendingOpens > 0
                || opens.values().stream().anyMatch(open -> open.open().handle().inFlight() > 0);
    }

    /** I/O requests at a time. */
    long maxInFlight() {
        return channels == null
                ? 0
                : (long) channels.geometry().channels() * channels.geometry().depth();
    }

    /** For people: who it is. */
    String describe() {
        return program + " (pid " + peer.pid() + ", uid " + peer.uid() + ")";
    }

    private boolean keep(byte[] bytes, int from) {
        int more = bytes.length - from;
        if (more == 0) {
            return true;
        }
        if ((long) unsent.length + more > MAX_UNSENT) {
            return false;
        }
        byte[] joined = java.util.Arrays.copyOf(unsent, unsent.length + more);
        System.arraycopy(bytes, from, joined, unsent.length, more);
        unsent = joined;
        return true;
    }
}
