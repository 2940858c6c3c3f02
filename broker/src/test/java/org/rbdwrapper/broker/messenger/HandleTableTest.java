package org.rbdwrapper.broker.messenger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class HandleTableTest {
    private static final int HANDLES = 100;

    private final HandleTable table = new HandleTable();
    private final OpenHandle[] handles = new OpenHandle[HANDLES];

    HandleTableTest() {
        for (int i = 0; i < HANDLES; i++) {
            handles[i] = open(i, 1);
            table.add(handles[i]);
        }
    }

    @Test
    void shouldTellNoneOneAndMoreUnderWay() {
        assertEquals(0, table.inFlight());
        begin(7);
        assertEquals(1, table.inFlight());
        handles[7].onRequestDone();
        assertEquals(0, table.inFlight());
        begin(99);
        begin(99);
        assertTrue(table.inFlight() > 1);
        handles[99].onRequestDone();
        begin(3);
        assertTrue(table.inFlight() > 1);
        handles[99].onRequestDone();
        assertEquals(1, table.inFlight());
    }

    @Test
    void shouldKeepCountOfOneThatStaysUnderWayBesideManyThatEnd() {
        begin(50);
        for (int round = 0; round < 20; round++) {
            for (int i = 0; i < HANDLES; i++) {
                if (i != 50) {
                    begin(i);
                    handles[i].onRequestDone();
                }
            }
            assertEquals(1, table.inFlight());
        }
        handles[50].onRequestDone();
        assertEquals(0, table.inFlight());
    }

    @Test
    void shouldForgetRequestsOfHandleThatIsGoneAndNotTakeItForTheNextOne() {
        begin(4);
        table.remove(handles[4]);
        assertNull(table.find(handles[4].handle()));
        assertEquals(0, table.inFlight());
        handles[4] = open(4, 2);
        table.add(handles[4]);
        assertNull(table.find(HandleTable.number(4, 1)));
        assertEquals(0, table.inFlight());
        begin(4);
        assertEquals(1, table.inFlight());
    }

    private void begin(int index) {
        assertSame(handles[index], table.find(handles[index].handle()));
        handles[index].onRequestStart(false);
    }

    private static OpenHandle open(int index, int use) {
        int number = HandleTable.number(index, use);
        return new OpenHandle(
                number,
                true,
                true,
                false,
                null,
                new ChangeCounter(),
                new StoreAnswers("tested"),
                new LogicalEnds(EndTable.inHeap()),
                RequestLedger.inHeap().countersOf(number));
    }
}
