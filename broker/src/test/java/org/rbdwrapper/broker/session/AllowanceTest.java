package org.rbdwrapper.broker.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class AllowanceTest {
    private static final long SECOND = 1_000_000_000L;
    private static final long BEGIN = -SECOND; // of nanoTime, which may be below 0

    private final Allowance allowance = new Allowance(100, 400, BEGIN);

    @Test
    void shouldLetHimTakeTheBurstAtOnce() {
        allowance.take(400, BEGIN);
        assertTrue(allowance.isLeft(BEGIN));
    }

    @Test
    void shouldLetHimWaitUntilWhatHeTookTooMuchIsMadeUpFor() {
        allowance.take(450, BEGIN);
        assertFalse(allowance.isLeft(BEGIN));
        assertEquals(SECOND / 2, allowance.nanosUntilLeft(BEGIN));
        assertFalse(allowance.isLeft(BEGIN + SECOND / 2 - 1));
        assertTrue(allowance.isLeft(BEGIN + SECOND / 2));
    }

    @Test
    void shouldNotSaveMoreThanTheBurst() {
        allowance.take(1, BEGIN);
        assertFalse(allowance.isWhole(BEGIN));
        long later = BEGIN + 3600 * SECOND;
        assertTrue(allowance.isWhole(later));
        allowance.take(401, later);
        assertFalse(allowance.isLeft(later));
    }

    @Test
    void shouldCountWhatComesBackInShortSteps() {
        allowance.take(500, BEGIN);
        long now = BEGIN;
        for (int i = 0; i < 999_000; i++) {
            now += 1000;
            assertFalse(allowance.isLeft(now));
        }
        assertTrue(allowance.isLeft(now + 2_000_000));
    }
}
