package org.rbdwrapper.broker.messenger;

import java.util.List;

/**
 * A messenger at one moment.
 *
 * @param connection its store's threads that every request passes; empty where there are none, or
 *     it has not connected.
 */
public record MessengerSample(int index, MessengerActivity activity, List<ThreadTime> connection) {
    public MessengerSample {
        connection = List.copyOf(connection);
    }

    /**
     * Of the threads that each request passes one after the other, the one that leaves the least of
     * a core to more of them, since the earlier sample.
     */
    BusiestThread busiestSince(MessengerSample earlier) {
        long elapsed = activity.elapsedNanos() - earlier.activity.elapsedNanos();
        double most = share(activity.busyNanos() - earlier.activity.busyNanos(), elapsed);
        String name = "messenger-" + index;
        for (ThreadTime now : connection) {
            for (ThreadTime before : earlier.connection) {
                if (now.thread() == before.thread()) {
                    double share = share(now.nanos() - before.nanos(), elapsed);
                    if (share > most) {
                        most = share;
                        name = now.name() + " of messenger " + index;
                    }
                }
            }
        }
        return new BusiestThread(name, most);
    }

    private static double share(long nanos, long elapsed) {
        return elapsed <= 0 ? 0 : (double) nanos / elapsed;
    }

    /**
     * @param share of a core, 0 to about 1.
     */
    record BusiestThread(String name, double share) {}
}
