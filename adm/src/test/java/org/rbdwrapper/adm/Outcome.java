package org.rbdwrapper.adm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;

/** What is expected of every command, whichever it is. */
final class Outcome {
    private Outcome() {}

    /** Success without a word on stderr; returns what was printed. */
    static String ok(Installed.Result result) {
        assertEquals(0, result.code(), result.err());
        assertEquals("", result.err());
        return result.out();
    }

    /**
     * One line on stderr, and nothing on stdout.
     *
     * @param words which the line holds; of words with '|' between them, one.
     */
    static void assertFailure(int code, Installed.Result result, String... words) {
        assertEquals(code, result.code(), result.err());
        assertEquals("", result.out());
        assertEquals(1, result.err().lines().count(), result.err());
        for (String word : words) {
            assertTrue(
                    Arrays.stream(word.split("\\|")).anyMatch(result.err()::contains),
                    "'" + word + "' in: " + result.err());
        }
    }
}
