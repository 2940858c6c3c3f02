package org.rbdwrapper.perf.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

class CleanupTest {
    private final List<String> ended = new ArrayList<>();
    private final Cleanup cleanup = new Cleanup();

    @Test
    void shouldEndTheLastFirstAndEachOnce() {
        cleanup.add(ending("first"));
        cleanup.add(ending("second"));
        cleanup.close();
        cleanup.close();
        assertEquals(List.of("second", "first"), ended);
    }

    @Test
    void shouldEndTheRestWhereOneCannotBeEnded() {
        cleanup.add(ending("first"));
        AutoCloseable broken =
                () -> {
                    throw new IOException("as the test wants it");
                };
        cleanup.add(broken);
        cleanup.close();
        assertEquals(List.of("first"), ended);
    }

    @Test
    void shouldEndWhatIsStartedTooLate() {
        cleanup.close();
        assertThrows(IllegalStateException.class, () -> cleanup.add(ending("late")));
        assertEquals(List.of("late"), ended);
    }

    private AutoCloseable ending(String name) {
        return () -> ended.add(name);
    }
}
