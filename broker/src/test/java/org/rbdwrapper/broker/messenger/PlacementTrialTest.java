package org.rbdwrapper.broker.messenger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.messenger.PlacementTrial.Advice;

final class PlacementTrialTest {
    private static final long SPREAD_NANOS = 250_000;
    private static final long GATHERED_NANOS = 180_000;
    private static final int ROUND = 2 * (PlacementTrial.SETTLING + PlacementTrial.SAMPLE);

    private final PlacementTrial trial = new PlacementTrial();
    private boolean gathered;
    private int moves;
    private long now;

    @Test
    void shouldGatherWhereThatIsFasterAndStaySo() {
        alone(ROUND + 1, GATHERED_NANOS);
        assertTrue(gathered);
        moves = 0;
        alone(PlacementTrial.HOLD / 2, GATHERED_NANOS);
        assertTrue(gathered);
        assertEquals(0, moves);
    }

    @Test
    void shouldSpreadWhereGatheringIsOfNoUse() {
        alone(ROUND + 1, SPREAD_NANOS);
        assertFalse(gathered);
        assertEquals(2, moves, "gathered once, to try");
    }

    @Test
    void shouldTryAgainLaterAndLessOftenEachTime() {
        alone(ROUND + PlacementTrial.HOLD, SPREAD_NANOS);
        assertEquals(2, moves);
        alone(2 * ROUND, SPREAD_NANOS);
        assertEquals(4, moves);
        alone(PlacementTrial.HOLD, SPREAD_NANOS);
        assertEquals(4, moves, "twice as long now");
        alone(PlacementTrial.HOLD + ROUND, SPREAD_NANOS);
        assertEquals(6, moves);
    }

    @Test
    void shouldSpreadAsSoonAsGatheredIsNoBetterAnyMore() {
        alone(ROUND + 1, GATHERED_NANOS);
        alone(2 * PlacementTrial.SAMPLE, SPREAD_NANOS + 1);
        assertFalse(gathered);
    }

    @Test
    void shouldMeasureSpreadAgainAfterALongTime() {
        alone(ROUND + 1, GATHERED_NANOS);
        moves = 0;
        alone(PlacementTrial.HOLD + ROUND, GATHERED_NANOS);
        assertEquals(2, moves);
        assertTrue(gathered);
    }

    @Test
    void shouldSpreadWhereRequestsOverlap() {
        alone(ROUND + 1, GATHERED_NANOS);
        for (int i = 0; i < PlacementTrial.CROWD; i++) {
            follow(trial.onCrowd());
        }
        assertFalse(gathered);
    }

    @Test
    void shouldStayGatheredWhereFewRequestsOverlap() {
        alone(ROUND + 1, GATHERED_NANOS);
        moves = 0;
        for (int i = 0; i < 5 * PlacementTrial.CROWD; i++) {
            follow(trial.onCrowd());
            alone(PlacementTrial.SETTLING + 1, GATHERED_NANOS);
        }
        assertTrue(gathered);
        assertEquals(0, moves);
    }

    @Test
    void shouldSpreadWhereCoresAreScarce() {
        alone(ROUND + 1, GATHERED_NANOS);
        follow(trial.onScarceCores());
        assertFalse(gathered);
    }

    @Test
    void shouldNotTakeAPauseOfTheClientForASlowRequest() {
        for (int i = 0; i < ROUND + 1; i++) {
            alone(1, GATHERED_NANOS);
            if (i % 4 == 0) {
                now += 100 * PlacementTrial.PAUSE_NANOS;
                alone(1, GATHERED_NANOS);
            }
        }
        assertTrue(gathered);
    }

    /**
     * @param gatheredNanos what a request takes while the threads are gathered.
     */
    private void alone(int requests, long gatheredNanos) {
        for (int i = 0; i < requests; i++) {
            now += gathered ? gatheredNanos : SPREAD_NANOS;
            follow(trial.onAlone(now));
        }
    }

    private void follow(Advice advice) {
        if (advice != Advice.STAY) {
            assertEquals(gathered ? Advice.SPREAD : Advice.GATHER, advice);
            gathered = advice == Advice.GATHER;
            moves++;
        }
    }
}
