package org.rbdwrapper.client.io;

import java.util.function.Consumer;

/**
 * Operations in a row, linked by themselves: nothing is allocated, so that nothing fails where
 * memory is short. An operation is in one of these at most. Under its user's lock.
 */
final class OperationQueue {
    private Operation first;
    private Operation last;

    /** The first, or null. */
    Operation peek() {
        return first;
    }

    /** Takes the first, or null. */
    Operation poll() {
        Operation operation = first;
        if (operation != null) {
            unlink(null, operation);
        }
        return operation;
    }

    void addLast(Operation operation) {
        operation.queue = this;
        operation.after = null;
        if (last == null) {
            first = operation;
        } else {
            last.after = operation;
        }
        last = operation;
    }

    void addFirst(Operation operation) {
        operation.queue = this;
        operation.after = first;
        if (first == null) {
            last = operation;
        }
        first = operation;
    }

    /** Takes all of another, behind what is here. */
    void addAll(OperationQueue other) {
        Operation operation;
        while ((operation = other.poll()) != null) {
            addLast(operation);
        }
    }

    /** Does nothing where it is not in this one. Mostly it is the first. */
    void remove(Operation operation) {
        if (operation.queue != this) {
            return;
        }
        Operation before = null;
        for (Operation o = first; o != operation; o = o.after) {
            before = o;
        }
        unlink(before, operation);
    }

    private void unlink(Operation before, Operation operation) {
        if (before == null) {
            first = operation.after;
        } else {
            before.after = operation.after;
        }
        if (operation.after == null) {
            last = before;
        }
        operation.queue = null;
        operation.after = null;
    }

    /** In their order; the action may remove the one that it is called with. */
    void forEach(Consumer<Operation> action) {
        Operation next;
        for (Operation operation = first; operation != null; operation = next) {
            next = operation.after;
            action.accept(operation);
        }
    }
}
