package org.rbdwrapper.broker.watch;

import java.util.ArrayList;
import java.util.List;

/** Those that are stuck at one place. Watchdog's thread. */
final class Stall {
    final String place;
    final List<Watched> members = new ArrayList<>();
    private int all;
    private long beganAt;

    /** The log has a line of it, and is to have one when it is over. */
    boolean isTold;

    Stall(String place) {
        this.place = place;
    }

    void add(Watched member) {
        members.add(member);
        member.stall = this;
        beganAt = all == 0 || member.beganAt - beganAt < 0 ? member.beganAt : beganAt;
        all++;
    }

    void remove(Watched member) {
        members.remove(member);
        member.stall = null;
    }

    /** How many have been stuck at it, since it began. */
    int all() {
        return all;
    }

    long nanosUntil(long now) {
        return now - beganAt;
    }

    /** As it stands; there are members. */
    StallReport report() {
        Watched first = members.getFirst();
        return new StallReport(first.thread().getName(), members.size(), what(first), beganAt);
    }

    /** What it does; a description that fails is no reason to watch no more. */
    static String what(Watched member) {
        try {
            return member.what();
        } catch (RuntimeException e) {
            return member.place() + " (" + e + ")";
        }
    }
}
