package org.rbdwrapper.perf.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.util.List;

class FootprintTest {
    private static final String ROLLUP =
            "00400000-7ffe [rollup]\nRss:   3988 kB\nPss:    887 kB\nPss_Anon:   590 kB\n";

    @Test
    void shouldTakePssAndNotWhatBeginsLikeIt() throws IOException {
        assertEquals(887, Footprint.value(ROLLUP, "\nPss:"));
    }

    @Test
    void shouldRefuseAKernelWithoutIt() {
        assertThrows(IOException.class, () -> Footprint.value("Rss: 1 kB\n", "\nPss:"));
    }

    @Test
    void shouldSeeThisProcess() throws IOException {
        Footprint footprint = Footprint.of(List.of(ProcessHandle.current().pid()));
        assertTrue(footprint.pssKib() > 1024 && footprint.threads() > 1, footprint.toString());
    }
}
