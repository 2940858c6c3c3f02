package org.rbdwrapper.perf.parts;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ProgressTest {
    @Test
    void shouldSayWhatIsLeftByWhatWasNeededSoFar() {
        assertEquals(
                "ways 12 of 40, about 5 min left: reads",
                Progress.line("ways", 11, 40, 120, "reads"));
        assertEquals(
                "ways 40 of 40, about 2 s left: reads", Progress.line("ways", 39, 40, 78, "reads"));
    }

    @Test
    void shouldNotGuessBeforeTheFirstStep() {
        assertEquals("ways 1 of 3: reads", Progress.line("ways", 0, 3, 0, "reads"));
    }
}
