package org.rbdwrapper.broker.session;

import java.util.PriorityQueue;

/** What is to be done after a pause. Conductor's thread. */
final class DelayedTasks {
    private final PriorityQueue<Task> tasks = new PriorityQueue<>();

    private record Task(long dueNanos, Runnable action) implements Comparable<Task> {
        @Override
        public int compareTo(Task other) {
            return Long.signum(dueNanos - other.dueNanos); // of nanoTime, which may overflow
        }
    }

    /**
     * @param now of {@link System#nanoTime}.
     * @param pauseNanos more than 0.
     */
    void add(long now, long pauseNanos, Runnable action) {
        tasks.add(new Task(now + pauseNanos, action));
    }

    boolean isEmpty() {
        return tasks.isEmpty();
    }

    /** Does what is due; what that adds is due later. */
    void look(long now) {
        while (!tasks.isEmpty() && now - tasks.peek().dueNanos() >= 0) {
            tasks.poll().action().run(); // one that throws leaves the rest for the next look
        }
    }
}
