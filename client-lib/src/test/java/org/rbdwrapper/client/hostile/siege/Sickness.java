package org.rbdwrapper.client.hostile.siege;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Queue;

/**
 * Whether a pool answers, which a file says. One thread looks, so that those who wait cost nothing
 * but their waiting.
 *
 * <p>Any thread.
 */
final class Sickness {
    private static final int LOOK_MILLIS = 5;

    private final Path file;
    private final Queue<Runnable> waiting = new ArrayDeque<>(); // guarded by this
    private final Thread thread;
    private volatile boolean sick; // written under this

    Sickness(Path file) {
        this.file = file;
        this.thread = Thread.ofPlatform().daemon().name("sick-pool").start(this::look);
    }

    boolean isSick() {
        return sick;
    }

    synchronized void awaitHealth() throws InterruptedException {
        while (sick) {
            wait();
        }
    }

    /** Runs it when the pool is well again, which may be at once. */
    void whenWell(Runnable task) {
        synchronized (this) {
            if (sick) {
                waiting.add(task);
                return;
            }
        }
        task.run();
    }

    void close() {
        thread.interrupt();
    }

    private void look() {
        try {
            while (true) {
                Thread.sleep(LOOK_MILLIS);
                onLook(Files.exists(file));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // closed
        }
    }

    private void onLook(boolean now) {
        Runnable next;
        synchronized (this) {
            sick = now;
            if (!now) {
                notifyAll();
            }
        }
        while (!now && (next = poll()) != null) {
            next.run();
        }
    }

    private synchronized Runnable poll() {
        return waiting.poll();
    }
}
