package org.rbdwrapper.broker.messenger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class MessengerCountersTest {
    private static final long SECOND = 1_000_000_000;

    @Test
    void shouldCountWhatWasTaken() {
        MessengerCounters counters = new MessengerCounters(System.nanoTime());
        counters.onBatch(3, 12_288, false);
        counters.onBatch(64, 0, true);
        counters.onTurn();
        MessengerActivity activity = counters.read();
        assertEquals(67, activity.requests());
        assertEquals(12_288, activity.bytes());
        assertEquals(1, activity.fullBatches());
        assertEquals(1, activity.turns());
    }

    @Test
    void shouldBeBusyButForItsWaits() {
        long start = System.nanoTime() - 100 * SECOND;
        MessengerCounters counters = new MessengerCounters(start);
        counters.onWaitBegan(start + 10 * SECOND);
        counters.onWaitEnded(start + 30 * SECOND);
        counters.onWaitBegan(start + 31 * SECOND);
        counters.onWaitEnded(start + 71 * SECOND);
        MessengerActivity activity = counters.read();
        assertEquals(60 * SECOND, activity.elapsedNanos() - activity.busyNanos());
    }

    @Test
    void shouldNotCountAWaitThatGoesOnAsBusy() {
        long start = System.nanoTime() - 100 * SECOND;
        MessengerCounters counters = new MessengerCounters(start);
        counters.onWaitBegan(start + 10 * SECOND);
        counters.onWaitEnded(start + 20 * SECOND);
        counters.onWaitBegan(start + 25 * SECOND);
        MessengerActivity activity = counters.read();
        assertEquals(15 * SECOND, activity.busyNanos());
        assertTrue(activity.elapsedNanos() >= 100 * SECOND);
    }
}
