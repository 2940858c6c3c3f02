package org.rbdwrapper.perf.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.List;

class TableTest {
    private static final Table TABLE =
            new Table(
                    "Title",
                    "",
                    List.of("", "IOPS"),
                    List.of(List.of("a & b", "5"), List.of("c", "12345")));

    @Test
    void shouldAlignWordsLeftAndFiguresRight() {
        assertEquals(
                """

                Title
                          IOPS
                  a & b      5
                  c      12345
                """,
                TABLE.toText());
    }

    @Test
    void shouldEscapeWords() {
        assertTrue(TABLE.toHtml().contains("<td>a &amp; b</td><td>5</td>"));
    }
}
