package org.rbdwrapper.broker;

import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The calls of one {@link Lane}: how many are being made, and those that wait, user by user in
 * turn.
 *
 * <p>Guarded by the lock of {@link Workers}.
 */
final class LaneQueue {
    private final Lane lane;

    /** In the order of their turns. */
    private final Map<Integer, OfUser> users = new LinkedHashMap<>();

    private int running;
    private int waiting;

    private static final class OfUser {
        final ArrayDeque<WorkerCall<?>> waiting = new ArrayDeque<>();
        int running;
    }

    LaneQueue(Lane lane) {
        this.lane = lane;
    }

    void add(WorkerCall<?> call) {
        users.computeIfAbsent(call.origin().uid(), uid -> new OfUser()).waiting.add(call);
        waiting++;
    }

    /** The next call that may be made now, which then counts as running; null: none. */
    WorkerCall<?> next() {
        if (running == lane.threads() || waiting == 0) {
            return null;
        }
        for (Map.Entry<Integer, OfUser> entry : users.entrySet()) {
            OfUser user = entry.getValue();
            if (!user.waiting.isEmpty() && user.running < lane.threadsPerUser()) {
                WorkerCall<?> call = user.waiting.poll();
                user.running++;
                running++;
                waiting--;
                users.remove(entry.getKey());
                users.put(call.origin().uid(), user); // behind the others
                return call;
            }
        }
        return null;
    }

    /** A call that was running has ended. */
    void ended(WorkerCall<?> call) {
        int uid = call.origin().uid();
        OfUser user = users.get(uid);
        running--;
        if (--user.running == 0 && user.waiting.isEmpty()) {
            users.remove(uid);
        }
    }

    boolean isEmpty() {
        return users.isEmpty();
    }

    int running() {
        return running;
    }

    int waiting() {
        return waiting;
    }

    Lane lane() {
        return lane;
    }
}
