package org.rbdwrapper.broker.image;

import org.rbdwrapper.broker.Unexpected;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.ArrayDeque;
import java.util.function.Consumer;

/**
 * The operations on one image, one after the other, each of which may take many steps: calls that
 * workers make, tasks of messengers.
 *
 * <pre>
 *          add                 finish                 tidied
 *   FREE ──────▶ begin, steps ────────▶ tidying up ──────────▶ over ──▶ the next one, or FREE
 *                      │ thrown                ▲
 *                      └──▶ failed ────────────┘
 * </pre>
 *
 * <p>Whatever a step throws ends its operation, not the order: the operation hears of it, what it
 * has left is tidied up, and the next one begins. The next one is a task of its own: any number may
 * wait, neither does the stack grow with it, nor do the conductor's other clients wait for all.
 *
 * <p>Conductor's thread, but for {@link #post}.
 */
final class Turns {
    private final ArrayDeque<Operation> waiting = new ArrayDeque<>();
    private final Consumer<Runnable> conductor;
    private final Consumer<Runnable> tidyUp;
    private final Runnable onFree;
    private Operation current;

    private enum State {
        WAITING,
        AT_WORK,
        TIDYING,
        OVER
    }

    /** What is done in one turn. */
    abstract static class Operation {
        private State state = State.WAITING;

        /** The first step; the last one calls {@link Turns#finish}. */
        abstract void begin() throws ErrnoException;

        /** A step has thrown this: whoever asked is to hear of it. No step follows. */
        abstract void failed(ErrnoException failure);

        /** What it has left is tidied up, whether it has failed or not. */
        void over() {}
    }

    /** A part of an operation. */
    @FunctionalInterface
    interface Step {
        void run() throws ErrnoException;
    }

    /**
     * @param conductor runs a task later on the conductor's thread; may be called by any thread.
     * @param tidyUp is done after each operation; calls what it is given when it is done.
     * @param onFree nobody waits for a turn.
     */
    Turns(Consumer<Runnable> conductor, Consumer<Runnable> tidyUp, Runnable onFree) {
        this.conductor = conductor;
        this.tidyUp = tidyUp;
        this.onFree = onFree;
    }

    boolean isFree() {
        return current == null;
    }

    /** Throws nothing that an operation throws. */
    void add(Operation operation) {
        if (current == null) {
            current = operation;
            begin(operation);
        } else {
            waiting.add(operation);
        }
    }

    private void begin(Operation operation) {
        operation.state = State.AT_WORK;
        step(operation, operation::begin);
    }

    /** Makes a step of an operation, unless that has failed or finished before. */
    void step(Operation operation, Step step) {
        if (operation.state != State.AT_WORK) {
            return;
        }
        try {
            step.run();
        } catch (ErrnoException e) {
            fail(operation, e);
        } catch (RuntimeException | Error e) {
            Unexpected.log("an operation on an image", e);
            fail(operation, Unexpected.failure(e));
        }
    }

    /** Any thread: as {@link #step}, later. */
    void post(Operation operation, Step step) {
        conductor.accept(() -> step(operation, step));
    }

    /** The operation has made its last step. */
    void finish(Operation operation) {
        if (operation.state != State.AT_WORK) {
            return;
        }
        operation.state = State.TIDYING;
        try {
            tidyUp.accept(() -> over(operation));
        } catch (RuntimeException | Error e) {
            Unexpected.log("tidying up after an operation on an image", e);
            over(operation);
        }
    }

    private void fail(Operation operation, ErrnoException failure) {
        if (operation.state == State.AT_WORK) {
            Unexpected.contain("telling of a failure", () -> operation.failed(failure));
            finish(operation);
        }
    }

    private void over(Operation operation) {
        if (operation.state != State.TIDYING) {
            return; // tidying up has failed after it was done
        }
        operation.state = State.OVER;
        current = waiting.poll();
        Operation next = current;
        if (next != null) {
            try {
                conductor.accept(() -> begin(next));
            } catch (RuntimeException | Error e) {
                Unexpected.log("passing on a turn on an image", e);
                begin(next);
            }
        }
        Unexpected.contain("the end of an operation on an image", operation::over);
        if (current == null) {
            Unexpected.contain("leaving an image", onFree);
        }
    }
}
