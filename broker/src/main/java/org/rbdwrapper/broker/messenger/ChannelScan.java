package org.rbdwrapper.broker.messenger;

/**
 * Which channels of a session a turn looks at: those that had requests lately, and {@link
 * #OTHERS_A_TURN} of the others in turn. So a session costs by how many of its channels are at
 * work, however many it has, and a first request on a channel waits for a few turns at most.
 *
 * <p>A set of channels is the bits of a long. Owned by the messenger's thread.
 */
final class ChannelScan {
    static final int MAX_CHANNELS = Long.SIZE;

    /** Default sessions have no more, and are looked at as a whole. */
    static final int OTHERS_A_TURN = 8;

    private static final long FIRST_OTHERS = (1L << OTHERS_A_TURN) - 1;

    private final int channels;
    private final long all;
    private long lately;
    private long since;
    private int others;
    private long left;

    /**
     * @param channels 1 to {@link #MAX_CHANNELS}.
     */
    ChannelScan(int channels) {
        if (channels < 1 || channels > MAX_CHANNELS) {
            throw new IllegalArgumentException(channels + " channels");
        }
        this.channels = channels;
        this.all = -1L >>> (MAX_CHANNELS - channels);
    }

    /** The channels of the next turn. */
    long next() {
        long turn = left;
        if (turn != 0) {
            left = 0;
            return turn;
        }
        if (channels <= OTHERS_A_TURN) {
            return all;
        }
        turn = (lately | FIRST_OTHERS << others) & all;
        others += OTHERS_A_TURN;
        if (others >= channels) {
            others = 0;
        }
        return turn;
    }

    /** The turn ends before it has looked at these, which are the next one's. */
    void breakOff(long notLooked) {
        left = notLooked;
    }

    /** It has requests: it is looked at in every turn, for a while. */
    void onRequests(int channel) {
        lately |= 1L << channel;
        since |= 1L << channel;
    }

    /** Now and then: who had no requests since the last call has had none lately. */
    void forget() {
        lately = since;
        since = 0;
    }
}
