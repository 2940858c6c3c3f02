package org.rbdwrapper.broker.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

final class DelayedTasksTest {
    private final DelayedTasks delayed = new DelayedTasks();
    private final List<Integer> done = new ArrayList<>();
    private long now = Long.MAX_VALUE - 5; // it overflows meanwhile

    @Test
    void shouldDoWhatIsDueInItsOrder() {
        delayed.add(now, 10, () -> done.add(10));
        delayed.add(now, 3, () -> done.add(3));
        now += 2;
        delayed.look(now);
        assertEquals(List.of(), done);
        now += 1;
        delayed.look(now);
        assertEquals(List.of(3), done);
        now += 6;
        delayed.look(now);
        assertFalse(delayed.isEmpty());
        now += 1;
        delayed.look(now);
        assertEquals(List.of(3, 10), done);
        assertTrue(delayed.isEmpty());
    }

    /** Who tries again each time would hold up everybody otherwise. */
    @Test
    void shouldLeaveForTheNextLookWhatIsAddedMeanwhile() {
        delayed.add(now - 1, 1, () -> delayed.add(now, 1, () -> done.add(1)));
        delayed.look(now);
        assertEquals(List.of(), done);
        now += 1;
        delayed.look(now);
        assertEquals(List.of(1), done);
    }

    @Test
    void shouldDoTheRestWhereOneFails() {
        delayed.add(
                now,
                1,
                () -> {
                    throw new IllegalStateException("a fault");
                });
        delayed.add(now, 2, () -> done.add(2));
        now += 2;
        assertThrows(IllegalStateException.class, () -> delayed.look(now));
        delayed.look(now);
        assertEquals(List.of(2), done);
    }
}
