package org.rbdwrapper.broker.messenger;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.HEADER_LENGTH;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.EventFd;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.SharedMemory;
import org.rbdwrapper.ipc.segment.Doorbell;
import org.rbdwrapper.ipc.segment.SegmentGeometry;

import java.util.ArrayList;
import java.util.List;

/**
 * What a messenger has of a session: its shared segment, its doorbell, its channels and its open
 * handles.
 *
 * <p>Made by the conductor, then owned by the messenger that it is attached to; freed by the
 * conductor when the messenger has detached it and every handle is drained.
 */
public final class SessionChannels {
    /**
     * Of one channel and turn, so that a flooding client delays the others by no more than this.
     */
    private static final int MAX_REQUESTS_PER_TURN = 64;

    /** Of all channels and a turn, likewise; not reached by a default session. */
    private static final int MAX_REQUESTS_OF_ALL = 512;

    private final String name;
    private final SegmentGeometry geometry;
    private final int memoryFd;
    private final int doorbellFd;
    private final long address;
    private final Doorbell doorbell;
    private final HandleTable handles = new HandleTable();
    private final BrokerChannel[] channels;
    private final ChannelScan scan;
    private final Attachment attachment = new Attachment();
    private final FlowControl flows;
    private final UserFlow user;
    private final Runnable onViolation;
    private final int fullBatch;
    private long requestsInWindow;
    private int channelsLooked;
    private boolean toldOfCrowd;
    private volatile String violation = "";

    private SessionChannels(
            String name,
            SegmentGeometry geometry,
            int memoryFd,
            int doorbellFd,
            long address,
            FlowControl flows,
            UserFlow user,
            Runnable onViolation) {
        this.name = name;
        this.geometry = geometry;
        this.memoryFd = memoryFd;
        this.doorbellFd = doorbellFd;
        this.address = address;
        this.flows = flows;
        this.user = user;
        this.onViolation = onViolation;
        this.fullBatch = Math.min(MAX_REQUESTS_PER_TURN, geometry.depth());
        this.doorbell = new Doorbell(new UnsafeBuffer(address, HEADER_LENGTH), doorbellFd);
        this.channels = new BrokerChannel[geometry.channels()];
        for (int i = 0; i < channels.length; i++) {
            channels[i] =
                    new BrokerChannel(address + geometry.channelOffset(i), geometry, handles, user);
            channels[i].hasNext(); // the first look at its memory takes long, and is not a turn's
        }
        this.scan = new ChannelScan(channels.length);
    }

    /**
     * Allocates the segment.
     *
     * @param uid whose it is.
     * @param onViolation called once, on the messenger's thread, when the client broke the
     *     protocol; {@link #violation} says how.
     * @throws ErrnoException ENOSPC, ENOMEM, EMFILE: the host is short of it.
     */
    public static SessionChannels create(
            String name,
            SegmentGeometry geometry,
            long generation,
            FlowControl flows,
            int uid,
            Runnable onViolation)
            throws ErrnoException {
        long length = geometry.segmentLength();
        int memoryFd = SharedMemory.createSealed("rbdwrapper-session", length);
        long address = 0;
        UserFlow user = flows.enter(uid);
        try {
            address = SharedMemory.map(memoryFd, length);
            geometry.writeTo(new UnsafeBuffer(address, HEADER_LENGTH), generation);
            return new SessionChannels(
                    name, geometry, memoryFd, EventFd.create(), address, flows, user, onViolation);
        } catch (ErrnoException | RuntimeException | Error e) {
            flows.leave(user);
            if (address != 0) {
                SharedMemory.unmap(address, length);
            }
            Fd.close(memoryFd);
            throw e;
        }
    }

    /** To be passed to the client; closed by {@link #closeMemoryFd}. */
    public int memoryFd() {
        return memoryFd;
    }

    /** To be passed to the client, and waited for by the messenger. */
    public int doorbellFd() {
        return doorbellFd;
    }

    /** Conductor, once, when the client has it: the mapping keeps the memory alive. */
    public void closeMemoryFd() throws ErrnoException {
        Fd.close(memoryFd);
    }

    public SegmentGeometry geometry() {
        return geometry;
    }

    /** The number for the next open; conductor only. */
    public static int handleNumber(int index, int use) {
        return HandleTable.number(index, use);
    }

    public static int handleIndex(int handle) {
        return HandleTable.index(handle);
    }

    public static int maxHandles() {
        return HandleTable.CAPACITY;
    }

    /** How the client broke the protocol; empty if it did not. Any thread. */
    public String violation() {
        return violation;
    }

    @Override
    public String toString() {
        return name;
    }

    /**
     * Conductor, now and then: tells {@link StoreAnswers} of requests that have been seen under way
     * for so long.
     */
    public void findUnanswered(long now, long nanos) {
        for (BrokerChannel channel : channels) {
            channel.findUnanswered(now, nanos);
        }
    }

    // What follows is called on the messenger's thread.

    public void addHandle(OpenHandle handle) {
        handles.add(handle);
    }

    public void removeHandle(OpenHandle handle, Runnable whenDrained) {
        handles.remove(handle);
        handle.retire(whenDrained);
    }

    /** The client's close of a handle that was revoked before, and is drained or will be. */
    public void forgetHandle(OpenHandle handle) {
        handles.remove(handle);
    }

    public void revokeHandle(OpenHandle handle, Runnable whenDrained) {
        handle.revoke(whenDrained);
        user.longChanges().onUnwanted();
    }

    /**
     * Before the first request.
     *
     * @param wake any thread may run it, until all handles are drained: the messenger looks at the
     *     session again, which has something for it without its client's ringing.
     */
    void wakeBy(Runnable wake) {
        for (BrokerChannel channel : channels) {
            channel.wakeBy(wake);
        }
    }

    /**
     * It ends, and its rings are not looked at any more: what it has not begun need not be, and
     * nobody waits for what it was to have next.
     */
    void stop() {
        for (BrokerChannel channel : channels) {
            channel.stop();
        }
        user.longChanges().onUnwanted();
    }

    Doorbell doorbell() {
        return doorbell;
    }

    /** What the messenger notes down of it. */
    Attachment attachment() {
        return attachment;
    }

    /** Requests under way, where that is 0 or 1; else 2 or more. A snapshot. */
    long inFlight() {
        return handles.inFlight();
    }

    /** Looks at all channels. The one that has requests is among the next turn's. */
    boolean hasWork() {
        if (violation.isEmpty()) {
            for (int i = 0; i < channels.length; i++) {
                if (channels[i].hasNext()) {
                    scan.onRequests(i); // or a turn may not come to it
                    return true;
                }
            }
        }
        return false;
    }

    /** Channels that had no requests since the last call are not looked at in each turn. */
    void forgetChannels() {
        scan.forget();
    }

    /** In the last {@link #drain}. */
    int channelsLooked() {
        return channelsLooked;
    }

    /**
     * Takes a bounded batch from each channel that the turn looks at; returns how many requests.
     */
    int drain(RequestLook look, MessengerCounters counters) {
        channelsLooked = 0;
        if (!violation.isEmpty()) {
            return 0; // it is being ended; nothing of it is looked at any more
        }
        int taken = 0;
        int looked = 0;
        for (long turn = scan.next(); turn != 0; turn &= turn - 1) {
            if (taken >= MAX_REQUESTS_OF_ALL) {
                scan.breakOff(turn);
                break;
            }
            int index = Long.numberOfTrailingZeros(turn);
            BrokerChannel channel = channels[index];
            looked++;
            if (!channel.hasNext()) {
                continue;
            }
            look.onWork(); // before it is done: what it takes is no waiting
            int n = channel.drain(MAX_REQUESTS_PER_TURN);
            if (n < 0) {
                fail(channel.violation());
                taken++;
                break;
            }
            scan.onRequests(index);
            counters.onBatch(n, channel.takeBytes(), n >= fullBatch);
            taken += n;
        }
        channelsLooked = looked;
        if (taken > 0) {
            requestsInWindow += taken;
            attachment.onRequests(taken);
        }
        return taken;
    }

    /** Requests taken since the last call. */
    long takeRequests() {
        long requests = requestsInWindow;
        requestsInWindow = 0;
        return requests;
    }

    /** Whether so many clients are at work that this one's threads should not look for long. */
    void tellCrowd(boolean isCrowd) {
        if (isCrowd != toldOfCrowd) {
            toldOfCrowd = isCrowd;
            for (BrokerChannel channel : channels) {
                channel.tellCrowd(isCrowd);
            }
        }
    }

    /** The session is to be ended, and its rings are not looked at any more. */
    void fail(String why) {
        violation = why;
        stop();
        onViolation.run();
    }

    // What follows is called on the conductor's thread, after the messenger has let go and all
    // handles are drained.

    /** Frees everything; nothing may touch the segment after this. */
    public void free() throws ErrnoException {
        List<ErrnoException> failures = new ArrayList<>();
        for (BrokerChannel channel : channels) {
            channel.release();
        }
        flows.leave(user);
        try {
            SharedMemory.unmap(address, geometry.segmentLength());
        } catch (ErrnoException e) {
            failures.add(e);
        }
        try {
            Fd.close(doorbellFd);
        } catch (ErrnoException e) {
            failures.add(e);
        }
        if (!failures.isEmpty()) {
            throw failures.getFirst();
        }
    }
}
