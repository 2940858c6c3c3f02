package org.rbdwrapper.broker.messenger;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.ArrayList;
import java.util.List;

final class BusyClientsTest {
    private final MessengerCounters counters = new MessengerCounters(0);
    private final RequestLook look = new RequestLook(counters);
    private final List<SegmentClient> clients = new ArrayList<>();

    /** Of which one client is no crowd, and two are. */
    private final BusyClients busy = new BusyClients(new Crowd(1, 2), 0, 0);

    private long now;

    @BeforeEach
    void connect() throws ErrnoException {
        for (int i = 0; i < 3; i++) {
            clients.add(new SegmentClient("client " + i, 1));
        }
    }

    @AfterEach
    void disconnect() throws ErrnoException {
        for (SegmentClient client : clients) {
            client.close();
        }
    }

    @Test
    void shouldCountThoseThatHadRequestsInTheWindowWhetherTheyRestOrNot() {
        request(0, Crowd.BUSY_REQUESTS);
        request(1, Crowd.BUSY_REQUESTS);
        assertFalse(busy.isWindowOver(now));
        assertTrue(isCrowdAfterWindow());
        request(1, Crowd.BUSY_REQUESTS);
        request(2, Crowd.BUSY_REQUESTS - 1);
        assertFalse(isCrowdAfterWindow());
        assertFalse(isCrowdAfterWindow());
        request(2, Crowd.BUSY_REQUESTS);
        request(0, Crowd.BUSY_REQUESTS);
        assertTrue(isCrowdAfterWindow());
    }

    @Test
    void shouldNotCountWhoHasGone() {
        request(0, Crowd.BUSY_REQUESTS);
        request(1, Crowd.BUSY_REQUESTS);
        busy.remove(clients.get(1).session());
        busy.remove(clients.get(2).session()); // which had none
        assertFalse(isCrowdAfterWindow());
    }

    private boolean isCrowdAfterWindow() {
        now += Crowd.WINDOW_NANOS;
        assertTrue(busy.isWindowOver(now));
        return busy.count(now);
    }

    private void request(int client, int requests) {
        for (int i = 0; i < requests; i++) {
            clients.get(client).publish(0);
            clients.get(client).session().drain(look, counters);
            assertTrue(clients.get(client).takeAnswer(0));
            busy.add(clients.get(client).session());
        }
    }
}
