package org.rbdwrapper.broker.messenger;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.messenger.MessengerSample.BusiestThread;

import java.util.List;

final class MessengerSampleTest {
    private static final long SECOND = 1_000_000_000;

    @Test
    void shouldTakeTheMessengersOwnThreadWhereThatIsBusiest() {
        MessengerSample earlier = sample(10 * SECOND, 2 * SECOND, thread(7, SECOND));
        MessengerSample now = sample(12 * SECOND, 3 * SECOND, thread(7, SECOND + SECOND / 2));
        assertEquals(new BusiestThread("messenger-3", 0.5), now.busiestSince(earlier));
    }

    @Test
    void shouldTakeTheConnectionsThreadWhereThatIsBusiest() {
        MessengerSample earlier = sample(10 * SECOND, SECOND, thread(7, SECOND), thread(8, 0));
        MessengerSample now =
                sample(12 * SECOND, 2 * SECOND, thread(7, SECOND), thread(8, 2 * SECOND));
        assertEquals(new BusiestThread("msgr-8 of messenger 3", 1), now.busiestSince(earlier));
    }

    @Test
    void shouldLeaveOutThreadsThatWereNotThereBefore() {
        MessengerSample now = sample(12 * SECOND, SECOND, thread(8, 9 * SECOND));
        assertEquals(0, now.busiestSince(sample(10 * SECOND, SECOND)).share());
    }

    @Test
    void shouldReadTimesOfThreadWithBlanksAndBracketsInItsName() {
        ThreadTime time =
                ThreadTime.parse(
                        42, "42 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20\n");
        assertEquals(new ThreadTime(42, "a (b) c", (11 + 12) * 10_000_000L), time);
    }

    private static MessengerSample sample(long elapsed, long busy, ThreadTime... threads) {
        return new MessengerSample(
                3, new MessengerActivity(elapsed, busy, 0, 0, 0, 0), List.of(threads));
    }

    private static ThreadTime thread(int id, long nanos) {
        return new ThreadTime(id, "msgr-" + id, nanos);
    }
}
