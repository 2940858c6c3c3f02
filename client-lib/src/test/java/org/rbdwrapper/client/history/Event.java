package org.rbdwrapper.client.history;

import java.util.List;

/**
 * One read or write of one block by one client, as it saw it.
 *
 * @param client who did it, for messages.
 * @param block its number in the image.
 * @param value written; of a read, the first word.
 * @param runs of a read that found a block of more than one value. Else null.
 * @param invoked of CLOCK_MONOTONIC, ns.
 * @param responded likewise; {@link #NEVER} where it has not returned.
 */
record Event(
        String client,
        int block,
        boolean isWrite,
        long value,
        List<Run> runs,
        long invoked,
        long responded,
        Outcome outcome) {
    static final long NEVER = Long.MAX_VALUE;

    /** Words of one value, one after the other. */
    record Run(long value, int words) {
        @Override
        public String toString() {
            return Long.toHexString(value) + " * " + words;
        }
    }

    enum Outcome {
        /** Took effect between its invocation and its response. */
        DONE,

        /** Likewise, or not at all. Without a response: at any time from its invocation on. */
        UNKNOWN
    }

    static Event write(String client, int block, long value, long invoked, long responded) {
        return new Event(client, block, true, value, null, invoked, responded, Outcome.DONE);
    }

    static Event read(String client, int block, long value, long invoked, long responded) {
        return new Event(client, block, false, value, null, invoked, responded, Outcome.DONE);
    }

    /** A write of which nobody knows whether it was done. */
    static Event unknown(String client, int block, long value, long invoked, long responded) {
        return new Event(client, block, true, value, null, invoked, responded, Outcome.UNKNOWN);
    }

    boolean isTorn() {
        return runs != null;
    }

    /** What it wrote to, or read from, one word of the block. */
    long valueAt(int word) {
        if (runs == null) {
            return value;
        }
        int end = 0;
        for (Run run : runs) {
            end += run.words();
            if (word < end) {
                return run.value();
            }
        }
        throw new IllegalArgumentException("word " + word + " of " + end);
    }

    @Override
    public String toString() {
        String what =
                isWrite
                        ? "write(" + Long.toHexString(value) + ")"
                        : "read -> " + (runs == null ? Long.toHexString(value) : runs.toString());
        String end = responded == NEVER ? "?" : Long.toString(responded);
        return "["
                + invoked
                + ", "
                + end
                + "] "
                + client
                + " "
                + what
                + (outcome == Outcome.UNKNOWN ? " -> not known" : "");
    }
}
