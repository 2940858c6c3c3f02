package org.rbdwrapper.broker.store.file;

/**
 * First in, first out but for what goes on, linked by the requests themselves. Guarded by the lane
 * that has it.
 */
final class RequestQueue {
    private SlowRequest head;
    private SlowRequest tail;

    boolean isEmpty() {
        return head == null;
    }

    void add(SlowRequest request) {
        request.next = null;
        if (head == null) {
            head = request;
        } else {
            tail.next = request;
        }
        tail = request;
    }

    void addFirst(SlowRequest request) {
        request.next = head;
        if (head == null) {
            tail = request;
        }
        head = request;
    }

    /** Null where it is empty. */
    SlowRequest poll() {
        SlowRequest taken = head;
        if (taken != null) {
            head = taken.next;
            taken.next = null;
        }
        return taken;
    }

    /** The first, with all others linked to it in their order; null where it is empty. */
    SlowRequest pollAll() {
        SlowRequest taken = head;
        head = null;
        return taken;
    }
}
