package org.rbdwrapper.broker.messenger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.ArrayList;
import java.util.List;

final class DoorbellsTest {
    private static final int RINGS = 1000;

    private final List<SegmentClient> clients = new ArrayList<>();
    private Doorbells doorbells;

    @BeforeEach
    void listenToThree() throws ErrnoException {
        doorbells = new Doorbells();
        for (int i = 0; i < 3; i++) {
            clients.add(new SegmentClient("client " + i, 1));
            doorbells.add(session(i));
        }
        doorbells.poll();
        assertFalse(doorbells.hasNext());
    }

    @AfterEach
    void close() throws ErrnoException {
        for (SegmentClient client : clients) {
            doorbells.remove(client.session());
            client.close();
        }
        doorbells.close();
    }

    @Test
    void shouldReceiveRingsOnceInTheirOrder() {
        clients.get(2).ring();
        clients.get(0).ring();
        clients.get(0).ring();
        doorbells.await();
        assertSame(session(2), doorbells.next());
        assertSame(session(0), doorbells.next());
        assertFalse(doorbells.hasNext());
        doorbells.poll();
        assertFalse(doorbells.hasNext());
    }

    @Test
    void shouldEndWaitForOtherThreads() {
        doorbells.wake();
        doorbells.await();
        assertNull(doorbells.next());
        assertFalse(doorbells.hasNext());
    }

    @Test
    void shouldDropRingOfSessionThatIsGoneEvenIfAnotherHasItsPlace() throws ErrnoException {
        clients.get(1).ring();
        clients.get(2).ring();
        doorbells.poll();
        doorbells.remove(session(1));
        doorbells.remove(session(2));
        assertEquals(1, doorbells.size());
        SegmentClient another = new SegmentClient("another", 1);
        clients.add(another);
        doorbells.add(another.session()); // has the index of one of them
        assertEquals(2, doorbells.size());
        assertNull(doorbells.next());
        assertNull(doorbells.next());
        another.ring();
        doorbells.poll();
        assertSame(another.session(), doorbells.next());
    }

    @Test
    void shouldHearNoMoreOfWhoRingsForNothing() {
        int heard = 0;
        for (int i = 0; i < RINGS; i++) {
            clients.get(0).ring();
            doorbells.poll();
            heard += next(session(0));
        }
        assertTrue(heard < RINGS / 10, heard + " were heard");
        clients.get(1).ring();
        doorbells.poll();
        assertEquals(1, next(session(1)));
    }

    @Test
    void shouldHearEachRingOfWhoHasRequests() {
        for (int i = 0; i < RINGS; i++) {
            clients.get(0).ring();
            doorbells.poll();
            assertEquals(1, next(session(0)));
            session(0).attachment().onRequests(1);
        }
    }

    @Test
    void shouldHearAfterwardsWhoRangWhileNotListenedToAndThenSleepForEver() {
        muteFirst();
        clients.get(0).ring();
        doorbells.poll();
        assertFalse(doorbells.hasNext(), "heard at once");
        doorbells.await(); // which ends by itself, and perhaps a little early
        while (!doorbells.hasNext()) {
            doorbells.await();
        }
        assertEquals(1, next(session(0)));
        assertFalse(session(0).attachment().muted);
        // who has ended that costs nothing: only another's ring ends the wait
        clients.get(1).ring();
        doorbells.await();
        assertSame(session(1), doorbells.next());
        assertFalse(doorbells.hasNext(), "it rang by itself");
    }

    @Test
    void shouldMuteAtOnceWhoGoesOn() {
        muteFirst();
        while (!doorbells.hasNext()) {
            doorbells.await();
        }
        assertEquals(1, next(session(0)));
        clients.get(0).ring();
        doorbells.poll();
        assertEquals(1, next(session(0)));
        assertTrue(session(0).attachment().muted);
    }

    @Test
    void shouldForgetWhoIsGoneWhileNotListenedTo() {
        muteFirst();
        doorbells.remove(session(0));
        assertFalse(session(0).attachment().muted);
        clients.get(0).ring();
        clients.get(1).ring();
        doorbells.await();
        assertSame(session(1), doorbells.next());
        assertFalse(doorbells.hasNext());
    }

    private void muteFirst() {
        for (int i = 0; i < RINGS && !session(0).attachment().muted; i++) {
            clients.get(0).ring();
            doorbells.poll();
            next(session(0));
        }
        assertTrue(session(0).attachment().muted);
    }

    /** How many of those that were received are the session's. */
    private int next(SessionChannels session) {
        int rings = 0;
        while (doorbells.hasNext()) {
            rings += doorbells.next() == session ? 1 : 0;
        }
        return rings;
    }

    private SessionChannels session(int i) {
        return clients.get(i).session();
    }
}
