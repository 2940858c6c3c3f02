package org.rbdwrapper.client.io;

import java.util.ArrayDeque;

/** Parts of an operation, in the order in which they are to be submitted. */
final class Pieces {
    private final ArrayDeque<long[]> left = new ArrayDeque<>(); // offset, length

    /** To be submitted before the others. */
    void addFirst(long offset, int length) {
        left.addFirst(new long[] {offset, length});
    }

    boolean isEmpty() {
        return left.isEmpty();
    }

    /** Of the first. */
    long offset() {
        return left.getFirst()[0];
    }

    /** Of the first. */
    int length() {
        return (int) left.getFirst()[1];
    }

    /** So much of the first one's start is submitted. */
    void take(int length) {
        long[] first = left.getFirst();
        first[0] += length;
        first[1] -= length;
        if (first[1] == 0) {
            left.removeFirst();
        }
    }
}
