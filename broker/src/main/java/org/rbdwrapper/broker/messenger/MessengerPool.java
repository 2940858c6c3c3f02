package org.rbdwrapper.broker.messenger;

import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.watch.Watchdog;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * The broker's messengers, and which of them a client or an image gets. Owned by the conductor.
 *
 * <p>Load is counted in sessions and images that were given to a messenger; a messenger is started
 * when it is first needed and runs until the broker ends.
 */
public final class MessengerPool implements AutoCloseable {
    private final ImageStore store;
    private final MessengerPolicy policy;
    private final int limit;
    private final Crowd crowd;
    private final Watchdog watchdog;
    private final Consumer<Thread> starter;
    private final List<Messenger> messengers = new ArrayList<>();
    private final List<Integer> load = new ArrayList<>();

    /** Whose messengers nobody watches. */
    public MessengerPool(ImageStore store, MessengerPolicy policy, int limit) {
        this(store, policy, limit, new Watchdog(), Thread::start);
    }

    /**
     * @param limit the most messengers, for the policies that do not say it themselves; at least 1.
     * @param starter starts a messenger's thread.
     */
    public MessengerPool(
            ImageStore store,
            MessengerPolicy policy,
            int limit,
            Watchdog watchdog,
            Consumer<Thread> starter) {
        this.starter = starter;
        this.watchdog = watchdog;
        this.store = store;
        this.policy = policy;
        this.limit = policy.kind() == MessengerPolicy.Kind.SHARED ? policy.count() : limit;
        this.crowd = new Crowd(this.limit, Runtime.getRuntime().availableProcessors());
    }

    /** The most messengers. */
    int limit() {
        return limit;
    }

    public MessengerPolicy policy() {
        return policy;
    }

    /** Running now. */
    public int size() {
        return messengers.size();
    }

    /**
     * For a client or an image that is new: an idle one, a new one below the limit, or the least
     * loaded. Under {@code auto} a new one only where there is none: {@link #grow} makes the
     * others.
     */
    public Messenger assign() throws ErrnoException {
        int best = leastLoaded();
        boolean may = policy.kind() != MessengerPolicy.Kind.AUTO && messengers.size() < limit;
        if (best < 0 || (load.get(best) > 0 && may)) {
            best = grow().index();
        }
        load.set(best, load.get(best) + 1);
        return messengers.get(best);
    }

    /** Starts one more, idle until it is assigned. */
    Messenger grow() throws ErrnoException {
        Messenger started = new Messenger(messengers.size(), store, crowd);
        try {
            started.start(starter);
        } catch (OutOfMemoryError e) {
            started.closeUnstarted();
            throw new ErrnoException(
                    Errno.EAGAIN,
                    "the broker can make no thread for a messenger now (" + e.getMessage() + ")",
                    e);
        }
        started.watchedBy(watchdog);
        messengers.add(started);
        load.add(0);
        return started;
    }

    /** Each as it is now, in the order of their making. Reads files of /proc. */
    public List<MessengerSample> samples() {
        return messengers.stream().map(Messenger::sample).toList();
    }

    /** The client or image is gone. */
    public void release(Messenger messenger) {
        load.set(messenger.index(), load.get(messenger.index()) - 1);
    }

    /** Blocks; sessions are detached and images closed before. */
    @Override
    public void close() throws ErrnoException {
        for (Messenger messenger : messengers) {
            messenger.close();
        }
    }

    private int leastLoaded() {
        int best = -1;
        for (int i = 0; i < messengers.size(); i++) {
            if (best < 0 || load.get(i) < load.get(best)) {
                best = i;
            }
        }
        return best;
    }
}
