package org.rbdwrapper.broker.messenger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.ArrayList;
import java.util.List;

/** The messenger's steps are done here one by one, between those of clients. */
final class ActiveSessionsTest {
    private static final int CLIENTS = 20;

    private final MessengerCounters counters = new MessengerCounters(0);
    private final RequestLook look = new RequestLook(counters);
    private final List<SegmentClient> clients = new ArrayList<>();
    private ActiveSessions sessions;
    private Doorbells doorbells;
    private long now;

    @BeforeEach
    void attach() throws ErrnoException {
        doorbells = new Doorbells();
        sessions = new ActiveSessions(now);
        for (int i = 0; i < CLIENTS; i++) {
            SegmentClient client = new SegmentClient("client " + i, 2);
            clients.add(client);
            doorbells.add(client.session());
            sessions.attach(client.session());
        }
    }

    @AfterEach
    void close() throws ErrnoException {
        for (SegmentClient client : clients) {
            sessions.detach(client.session());
            doorbells.remove(client.session());
            client.close();
        }
        doorbells.close();
    }

    @Test
    void shouldLookAtNobodyWhoHasNoRequests() {
        assertEquals(0, sessions.size());
        for (SegmentClient client : clients) {
            assertNotEquals(0, client.parkedWord());
        }
    }

    @Test
    void shouldTakeUpSessionWhoseRequestsCameBeforeIt() throws ErrnoException {
        SegmentClient early = new SegmentClient("early", 1);
        clients.add(early);
        assertFalse(early.publishAndRing(0), "told of a sleep before it was attached");
        doorbells.add(early.session());
        sessions.attach(early.session());
        assertEquals(0, early.parkedWord());
        assertEquals(1, drainAll());
    }

    @Test
    void shouldLookAtThoseThatRangOnly() {
        for (int i : new int[] {3, 11}) {
            assertTrue(clients.get(i).publishAndRing(1));
        }
        listen();
        assertEquals(2, sessions.size());
        assertEquals(2, drainAll());
        assertEquals(0, clients.get(3).parkedWord());
        assertFalse(clients.get(3).publishAndRing(0), "it is being looked at");
        assertEquals(1, drainAll());
        assertNotEquals(0, clients.get(4).parkedWord());
    }

    @Test
    void shouldLeaveAtRestWhoRangForNothingAndTellItAnotherNumber() {
        SegmentClient client = clients.getFirst();
        int before = client.parkedWord();
        client.ring();
        listen();
        assertEquals(0, sessions.size());
        assertNotEquals(before, client.parkedWord());
        client.swap(before); // late, and so without effect
        assertTrue(client.publishAndRing(0));
        listen();
        assertEquals(1, drainAll());
    }

    @Test
    void shouldKeepActiveWhoHasRequestsAndRestTheOthers() {
        for (SegmentClient client : clients) {
            client.publishAndRing(0);
        }
        listen();
        assertEquals(CLIENTS, drainAll());
        pass();
        sessions.sweep(now); // had requests since
        assertEquals(CLIENTS, sessions.size());
        pass();
        clients.get(5).publishAndRing(0);
        clients.get(CLIENTS - 1).publishAndRing(0);
        assertEquals(2, drainAll());
        int turns = sweepToEnd();
        assertTrue(turns > 1, "all at once in one turn");
        assertEquals(2, sessions.size());
        for (int i = 0; i < CLIENTS; i++) {
            assertEquals(i == 5 || i == CLIENTS - 1, clients.get(i).parkedWord() == 0);
        }
    }

    @Test
    void shouldKeepActiveWhoseRequestComesBeforeTheLastLook() {
        SegmentClient client = clients.getFirst();
        client.publishAndRing(0);
        listen();
        drainAll();
        pass();
        sessions.sweep(now);
        pass();
        client.publish(1); // and has yet to look whether anybody sleeps
        sweepToEnd();
        assertEquals(1, sessions.size());
        assertEquals(0, client.parkedWord());
        assertEquals(1, drainAll());
    }

    @Test
    void shouldTellActiveOnesOfSleepAndThoseAtRestNothingNew() {
        clients.get(0).publishAndRing(0);
        listen();
        drainAll();
        int atRest = clients.get(1).parkedWord();
        sessions.park();
        assertFalse(sessions.hasWork());
        assertNotEquals(0, clients.get(0).parkedWord());
        sessions.unpark();
        assertEquals(0, clients.get(0).parkedWord());
        assertEquals(atRest, clients.get(1).parkedWord());
        sessions.park();
        assertTrue(clients.get(0).publishAndRing(1));
        assertTrue(sessions.hasWork());
        sessions.unpark();
        assertEquals(1, drainAll());
    }

    @Test
    void shouldLetGoOfWhoIsDetachedWhetherActiveOrAtRest() {
        clients.get(0).publishAndRing(0);
        clients.get(1).publishAndRing(0);
        listen();
        sessions.detach(clients.get(0).session());
        sessions.detach(clients.get(2).session());
        assertEquals(1, sessions.size());
        assertEquals(1, drainAll());
    }

    @Test
    void shouldRestWhoBrokeTheProtocol() {
        SegmentClient client = clients.getFirst();
        client.publishAndRing(0);
        listen();
        client.publishWithTagThatIsNone(0);
        drainAll();
        assertTrue(client.isViolated());
        pass();
        sessions.sweep(now);
        pass();
        sweepToEnd();
        assertEquals(0, sessions.size());
        client.ring();
        listen();
        assertEquals(0, sessions.size());
    }

    @Test
    void shouldSeeRequestsOfTwoThreadsInWhateverOrderStepsToRestAreTaken() {
        Interleavings all = new Interleavings(false);
        all.run();
        assertEquals(34650, all.runs); // 12! / (4! 4! 4!)
    }

    @Test
    void shouldSeeRequestsOfTwoThreadsInWhateverOrderStepsToSleepAreTaken() {
        Interleavings all = new Interleavings(true);
        all.run();
        assertEquals(34650, all.runs);
    }

    /**
     * All orders of four steps each of two threads of a client and of the messenger. Each thread:
     * publishes, reads whether anybody sleeps, rings, swaps.
     */
    private final class Interleavings {
        private static final int STEPS = 4;
        private static final int MESSENGER = 2;

        private final boolean sleeps;
        private final SegmentClient client = clients.getFirst();
        private final int[] order = new int[3 * STEPS];
        private final int[] done = new int[3];
        private final int[] words = new int[2];
        private boolean asleep;
        private int drained;
        private int runs;

        Interleavings(boolean sleeps) {
            this.sleeps = sleeps;
        }

        void run() {
            choose(0);
        }

        private void choose(int step) {
            if (step == order.length) {
                runs++;
                take();
                return;
            }
            for (int who = 0; who <= MESSENGER; who++) {
                if (done[who] < STEPS) {
                    done[who]++;
                    order[step] = who;
                    choose(step + 1);
                    done[who]--;
                }
            }
        }

        private void take() {
            int[] at = new int[3];
            drained = 0;
            for (int who : order) {
                int step = at[who]++;
                if (who == MESSENGER) {
                    messenger(step);
                } else {
                    client(who, step);
                }
            }
            // nobody does anything any more: whoever rang was heard, or need not ring
            if (asleep) {
                wake();
            }
            assertFalse(asleep && drained < 2, () -> "asleep over a request, " + describe());
            listen();
            drained += drainAll();
            assertEquals(2, drained, this::describe);
            assertTrue(client.takeAnswer(0) && client.takeAnswer(1));
            if (asleep) {
                asleep = false;
                sessions.unpark();
            }
            while (sessions.size() > 0) { // at rest, as at the beginning
                pass();
                sessions.sweep(now);
            }
        }

        private void client(int thread, int step) {
            switch (step) {
                case 0 -> client.publish(thread);
                case 1 -> words[thread] = client.parkedWord();
                case 2 -> {
                    if (words[thread] != 0) {
                        client.ring();
                    }
                }
                default -> {
                    if (words[thread] != 0) {
                        client.swap(words[thread]);
                    }
                }
            }
        }

        private void messenger(int step) {
            if (asleep) {
                wake();
                return;
            }
            switch (step) {
                case 0, 3 -> {
                    listen();
                    drained += drainAll();
                }
                case 1 -> {
                    if (sleeps) {
                        sessions.park();
                    } else {
                        restAll();
                    }
                }
                default -> {
                    if (!sleeps) {
                        listen();
                        drained += drainAll();
                        restAll();
                    } else if (doorbells.hasNext() || sessions.hasWork()) {
                        sessions.unpark();
                    } else {
                        asleep = true;
                        wake();
                    }
                }
            }
        }

        /** Does nothing where nobody rang. */
        private void wake() {
            doorbells.poll();
            if (doorbells.hasNext()) {
                asleep = false;
                sessions.unpark();
                hear();
                drained += drainAll();
            }
        }

        private void restAll() {
            for (int i = 0; i < 2; i++) {
                pass();
                sessions.sweep(now);
            }
        }

        private String describe() {
            return "order " + java.util.Arrays.toString(order);
        }
    }

    private void pass() {
        now += ActiveSessions.REST_NANOS;
    }

    /** Until another sweep would be a new one. */
    private int sweepToEnd() {
        int turns = 0;
        for (int before = -1; before != sessions.size(); turns++) {
            before = sessions.size();
            sessions.sweep(now);
        }
        return turns;
    }

    private void listen() {
        doorbells.poll();
        hear();
    }

    private void hear() {
        while (doorbells.hasNext()) {
            SessionChannels session = doorbells.next();
            if (session != null) {
                sessions.onRing(session);
            }
        }
    }

    private int drainAll() {
        int requests = 0;
        for (int i = 0; i < sessions.size(); i++) {
            requests += sessions.get(i).drain(look, counters);
        }
        return requests;
    }
}
