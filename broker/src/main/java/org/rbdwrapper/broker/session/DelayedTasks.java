package org.rbdwrapper.broker.session;

import java.util.ArrayDeque;
import java.util.PriorityQueue;
import java.util.Queue;

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
     */
    void add(long now, long pauseNanos, Runnable action) {
        tasks.add(new Task(now + pauseNanos, action));
    }

    boolean isEmpty() {
        return tasks.isEmpty();
    }

    /** Does what is due; what that adds is not done before the next look. */
    void look(long now) {
        Queue<Task> due = new ArrayDeque<>();
        while (!tasks.isEmpty() && now - tasks.peek().dueNanos() >= 0) {
            due.add(tasks.poll());
        }
        due.forEach(task -> task.action().run());
    }
}
