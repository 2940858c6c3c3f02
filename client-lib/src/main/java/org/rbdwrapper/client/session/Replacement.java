package org.rbdwrapper.client.session;

import org.rbdwrapper.client.io.LibraryThread;
import org.rbdwrapper.client.io.Link;
import org.rbdwrapper.client.io.LowMemory;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.concurrent.CountDownLatch;
import java.util.function.Function;

/**
 * Brings a session whose broker has gone to the next broker, or to its end. It begins by itself, on
 * a thread of its own, when the broker that it was made for is gone.
 *
 * <pre>
 *   LEAVE ──▶ SEEK ──▶ FREE ──▶ ATTEND ──▶ RESUME ──▶ OPEN ──▶ WATCH ──▶ END_IF_OVER ──▶ DONE
 *     ▲        │ none came in time           │ that one has gone, too,
 *     │        ▼                             ▼ or there is no memory for it
 *     │     GIVE_UP ──▶ FREE_LAST ──▶ TELL  DROP
 *     │                                │     │
 *     └────────────────────────────────┼─────┘
 *                                      └──▶ DONE
 * </pre>
 *
 * <p>All files of the session wait for it, so a program that has no memory left for some moments
 * does not end it: an OutOfMemoryError in a step has the step taken again. Each can be broken off
 * anywhere, and what one has brought about is a field before the next begins.
 */
final class Replacement implements Runnable {
    private static final long LOOK_NANOS = 100_000;

    /**
     * What is to be done next. Not chosen by a switch: that would need a class of its own when it
     * is first run, and a class whose initialization had no memory is never usable again.
     */
    private enum Step {
        LEAVE(Replacement::leave),
        SEEK(Replacement::seek),
        FREE(Replacement::free),
        ATTEND(Replacement::attend),
        RESUME(Replacement::resume),
        OPEN(Replacement::open),
        WATCH(Replacement::watchNext),
        END_IF_OVER(Replacement::endIfOver),
        DROP(Replacement::drop),
        GIVE_UP(Replacement::giveUp),
        FREE_LAST(Replacement::freeLast),
        TELL(Replacement::tell),
        DONE();

        @SuppressWarnings("ImmutableEnumChecker") // a method of this class, without a state
        private final Function<Replacement, Step> action;

        Step() {
            action = replacement -> this;
        }

        Step(Function<Replacement, Step> action) {
            this.action = action;
        }
    }

    private final BrokerSession session;
    private final Reconnect reconnect;
    private Step step = Step.LEAVE; // all that follows is its thread's
    private BrokerConnection last;
    private BrokerConnection next;
    private ErrnoException failure;

    /**
     * Whether a broker has said that this session is late. Who was late stays so: the broker that
     * said it may end before all have heard of it, and the next one does not know what this session
     * still has without an answer.
     */
    private boolean late;

    /** Whether the program may yet have buffers made in the last broker's memory. */
    private boolean mayAllocate;

    /** By who has told all of the next broker's end. */
    private CountDownLatch told;

    private Replacement(BrokerSession session, BrokerConnection last) {
        this.session = session;
        this.reconnect = new Reconnect(session.wish());
        this.last = last;
        this.mayAllocate = session.wish().buffersLength() > 0;
    }

    /** Any thread: when this broker is gone, its session goes on to the next. */
    static void whenGone(BrokerSession session, BrokerConnection broker) {
        Replacement replacement = new Replacement(session, broker);
        broker.onDeath(() -> LibraryThread.background("rbdw-reconnect", replacement).start());
    }

    @Override
    public void run() {
        reconnect.begin();
        while (step != Step.DONE) {
            try {
                step = step.action.apply(this);
            } catch (OutOfMemoryError e) {
                LowMemory.pause(); // others may give some back
            }
        }
    }

    private Step leave() {
        session.succession().lose();
        Link dead = last.link();
        while (!session.channels().haveLeft(dead)) {
            session.channels().relieveCompleter(); // it may be kept until the session goes on
            Pause.nanos(LOOK_NANOS);
        }
        return Step.SEEK;
    }

    private Step seek() {
        try {
            if (session.isOver()) {
                throw new ErrnoException(Errno.ENOTCONN, "nothing was open for a while");
            }
            next = reconnect.attempt(last, late);
        } catch (ErrnoException e) {
            failure = e;
            return Step.GIVE_UP;
        }
        if (next == null) {
            return Step.SEEK;
        }
        late = next.link().isLate();
        return Step.FREE;
    }

    private Step free() {
        last.free();
        if (!mayAllocate) {
            last.link().retireBuffers();
        }
        mayAllocate = false; // of the next one before it is open
        last = next;
        return Step.ATTEND;
    }

    /** Who waits for what was begun before the next broker looks again when that dies. */
    private Step attend() {
        CountDownLatch latch = new CountDownLatch(1);
        next.onDeath(
                () -> {
                    session.succession().look();
                    latch.countDown();
                });
        told = latch;
        return Step.RESUME;
    }

    /**
     * Not taken again where there was no memory: the broker may have opened some images by then.
     */
    private Step resume() {
        try {
            return session.resume(next) ? Step.OPEN : Step.DROP;
        } catch (ErrnoException | OutOfMemoryError e) {
            return Step.DROP;
        }
    }

    private Step open() {
        session.channels().onOpen(next.link());
        session.succession().open(next.link());
        return Step.WATCH;
    }

    private Step watchNext() {
        whenGone(session, next); // once: two would go on from it
        return Step.END_IF_OVER;
    }

    private Step endIfOver() {
        if (session.isOver()) { // and whoever has ended it may have seen the broker before
            next.end();
        }
        return Step.DONE;
    }

    private Step drop() {
        next.end();
        try {
            told.await(); // who tells of it touches its memory, to wake those who wait there
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts this thread", e);
        }
        return Step.LEAVE;
    }

    private Step giveUp() {
        session.giveUp(failure);
        return Step.FREE_LAST;
    }

    private Step freeLast() {
        last.free();
        last.link().retireBuffers();
        session.channels().onGivenUp();
        return Step.TELL;
    }

    private Step tell() {
        if (session.isMissed()) {
            reconnect.tellOfEnd(last);
        }
        return Step.DONE;
    }
}
