package org.rbdwrapper.ipc.segment;

import static org.rbdwrapper.ipc.segment.SegmentDescriptor.CLIENT_WAITING_OFFSET;

import org.agrona.concurrent.AtomicBuffer;
import org.rbdwrapper.ipc.posix.Futex;

import java.lang.invoke.VarHandle;

/**
 * How the broker wakes who waits for a channel's responses, and only when somebody sleeps: {@link
 * Doorbell}'s two orders of steps with the sides exchanged, and a futex instead of a descriptor.
 */
public final class ClientWaker {
    /**
     * Of a channel's users one sleeps here, and the others follow it; besides, whoever puts the
     * channel in order after one that was left midway. A client that has thousands sleep here may
     * not keep the thread that wakes them, on which others' answers wait.
     */
    private static final int MOST_WAITERS = 16;

    private final AtomicBuffer channel;
    private final long wordAddress;

    /**
     * @param channel the channel's bytes.
     */
    public ClientWaker(AtomicBuffer channel) {
        this.channel = channel;
        this.wordAddress = channel.addressOffset() + CLIENT_WAITING_OFFSET;
    }

    /** Broker, any thread, after a response is published. */
    public void wakeIfWaiting() {
        VarHandle.fullFence();
        if (channel.getIntVolatile(CLIENT_WAITING_OFFSET) != 0) {
            wake();
        }
    }

    /** Either side, any thread: wakes the waiters whatever they wait for. */
    public void wake() {
        if (channel.getAndSetInt(CLIENT_WAITING_OFFSET, 0) != 0) {
            Futex.wake(wordAddress, MOST_WAITERS);
        }
    }

    /**
     * Client, any thread, when the broker is gone: that may have taken the announcement and ended
     * before it woke anybody.
     */
    public void wakeForBroker() {
        channel.putIntVolatile(CLIENT_WAITING_OFFSET, 0);
        Futex.wake(wordAddress, MOST_WAITERS);
    }

    /**
     * Client: says that it is about to sleep. A last look follows, then {@link #await} or {@link
     * #cancel}.
     */
    public void announceWaiting() {
        channel.putIntVolatile(CLIENT_WAITING_OFFSET, 1);
        VarHandle.fullFence();
    }

    /** Client: sleeps until woken; may return early. */
    public void await(long timeoutNanos) {
        Futex.await(wordAddress, 1, timeoutNanos);
    }

    /** Client: found what it wanted before it slept. */
    public void cancel() {
        channel.putIntRelease(CLIENT_WAITING_OFFSET, 0);
    }
}
