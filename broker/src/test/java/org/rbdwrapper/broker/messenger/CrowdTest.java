package org.rbdwrapper.broker.messenger;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class CrowdTest {
    private static final long NOW = 1_000_000_000_000L;

    private final Crowd crowd = new Crowd(2, 4);

    @Test
    void shouldLeaveACoreToTheOthers() {
        assertFalse(crowd.tell(0, 3, NOW));
        assertTrue(crowd.tell(0, 4, NOW));
        assertFalse(crowd.tell(0, 3, NOW));
    }

    @Test
    void shouldCountTheClientsOfAllMessengers() {
        assertFalse(crowd.tell(0, 2, NOW));
        assertTrue(crowd.tell(1, 2, NOW + 1));
    }

    @Test
    void shouldForgetAMessengerThatSleeps() {
        crowd.tell(0, 3, NOW);
        assertTrue(crowd.tell(1, 2, NOW + 2 * Crowd.WINDOW_NANOS));
        assertFalse(crowd.tell(1, 2, NOW + 8 * Crowd.WINDOW_NANOS));
    }

    @Test
    void shouldLetOneClientLookOnFewCores() {
        Crowd small = new Crowd(1, 2);
        assertFalse(small.tell(0, 1, NOW));
        assertTrue(small.tell(0, 2, NOW));
    }
}
