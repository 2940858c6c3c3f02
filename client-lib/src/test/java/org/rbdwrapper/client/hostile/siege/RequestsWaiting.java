package org.rbdwrapper.client.hostile.siege;

/** How many requests of an image the store has yet to take. Any thread. */
final class RequestsWaiting {
    private int count;

    synchronized void add(int change) {
        count += change;
        if (count == 0) {
            notifyAll();
        }
    }

    synchronized void awaitNone() throws InterruptedException {
        while (count > 0) {
            wait();
        }
    }
}
