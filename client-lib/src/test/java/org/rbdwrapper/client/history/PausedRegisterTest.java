package org.rbdwrapper.client.history;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/** Histories over one pause, from 100 to 200. */
final class PausedRegisterTest {
    private static final long INITIAL = 0;
    private static final List<Pause> PAUSE = List.of(new Pause(100, 200));

    private final List<Event> history = new ArrayList<>();

    @Test
    void shouldAcceptWhatIsKept() {
        write(1, 10, 20);
        read(1, 30, 40);
        read(1, 210, 220);
        write(2, 230, 240);
        read(2, 250, 260);
        assertTrue(isExplained());
    }

    /** That of the broker's {@code ReturnGrace}: 1 is written again after 2 was. */
    @Test
    void shouldRejectThatWhatWasBegunAfterThePauseIsOverwrittenByWhatWasBegunBefore() {
        write(1, 10, 300);
        read(1, 30, 40);
        write(2, 210, 220);
        read(1, 230, 240);
        assertFalse(isExplained());
    }

    @Test
    void shouldAcceptThatWritesWithoutAnAnswerAreMadeAgainInAnyOrder() {
        write(1, 10, 205);
        write(2, 20, 204);
        read(1, 30, 40);
        read(2, 50, 60);
        read(1, 210, 220);
        assertTrue(isExplained());
    }

    @Test
    void shouldRejectThatOneThatWasSeenIsMadeAgainAfterThePause() {
        write(1, 10, 240);
        write(2, 20, 204);
        read(1, 30, 40);
        read(2, 50, 60);
        read(2, 210, 220);
        read(1, 230, 250);
        assertFalse(isExplained());
    }

    @Test
    void shouldAcceptThatOneThatReachedNobodyTakesEffectLater() {
        write(1, 10, 240);
        write(2, 20, 204);
        read(2, 210, 220);
        read(1, 230, 250);
        assertTrue(isExplained());
        read(2, 260, 270);
        assertFalse(isExplained());
    }

    @Test
    void shouldRejectThatAnAnsweredWriteIsLost() {
        write(1, 10, 20);
        read(INITIAL, 210, 220);
        assertFalse(isExplained());
    }

    @Test
    void shouldRejectThatAnOverwrittenValueIsBack() {
        write(1, 10, 20);
        write(2, 30, 40);
        read(1, 210, 220);
        assertFalse(isExplained());
    }

    @Test
    void shouldRejectWhatHasNoOrderBeforeThePause() {
        write(1, 10, 20);
        write(2, 30, 40);
        read(1, 50, 60);
        assertFalse(isExplained());
    }

    @Test
    void shouldAcceptWhatWasBegunInThePauseBeforeOrAfterWhatIsMadeAgain() {
        write(1, 10, 205);
        write(2, 150, 215);
        read(1, 220, 230);
        assertTrue(isExplained());
        read(2, 240, 250);
        assertFalse(isExplained(), "it has been answered");
    }

    @Test
    void shouldSayWhichEventsHaveNoOrder() {
        write(1, 10, 20);
        read(INITIAL, 210, 220);
        assertEquals(
                "a value that the pause cannot have left\n  [210, 220] c read -> 0",
                PausedRegister.check(history, 0, INITIAL, PAUSE).orElseThrow().toString());
    }

    private void write(long value, long invoked, long responded) {
        history.add(Event.write("c", 0, value, invoked, responded));
    }

    private void read(long value, long invoked, long responded) {
        history.add(Event.read("c", 0, value, invoked, responded));
    }

    private boolean isExplained() {
        return PausedRegister.check(history, 0, INITIAL, PAUSE).isEmpty();
    }
}
