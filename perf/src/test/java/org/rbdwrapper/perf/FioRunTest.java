package org.rbdwrapper.perf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

import java.io.IOException;

class FioRunTest {
    @Test
    void shouldFindTheIopsBehindWarnings() throws IOException {
        String output =
                "fio: a warning\n"
                        + "{ \"jobs\" : [ { \"error\" : 0, \"read\" : { \"iops\" : 25351.5 } } ] }";
        assertEquals(25351.5, FioRun.parseReadIops(output));
    }

    @Test
    void shouldNotTakeAFailedJobForAMeasurement() {
        String output = "{ \"jobs\" : [ { \"error\" : 5, \"read\" : { \"iops\" : 12.0 } } ] }";
        assertThrows(IOException.class, () -> FioRun.parseReadIops(output));
    }

    @Test
    void shouldSayWhatFioPrintedInsteadOfJson() {
        IOException failure =
                assertThrows(IOException.class, () -> FioRun.parseReadIops("rbd_open failed."));
        assertEquals(
                "fio's output is not what was expected: rbd_open failed.", failure.getMessage());
    }
}
