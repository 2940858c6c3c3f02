package org.rbdwrapper.perf.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.perf.measure.Sample;

import java.io.IOException;

class FioOutputTest {
    private static final String WRITES =
            """
            a warning
            {"jobs": [{"error": 0,
              "read": {"iops": 0, "total_ios": 0, "clat_ns": {}},
              "write": {"iops": 2000.5, "total_ios": 4000, "clat_ns": {"percentile":
                {"50.000000": 1500, "99.000000": 9000, "99.900000": 20000}}}}]}
            """;

    @Test
    void shouldTakeTheWritesWhereNothingWasRead() throws IOException {
        assertEquals(new Sample(4000, 2000.5, 1.5, 9, 20, Sample.UNKNOWN), FioOutput.parse(WRITES));
    }

    @Test
    void shouldNotTakeAFailedJobForAMeasurement() {
        String failed = WRITES.replace("\"error\": 0", "\"error\": 5");
        assertThrows(IOException.class, () -> FioOutput.parse(failed));
    }

    @Test
    void shouldSayWhatFioPrintedInsteadOfJson() {
        IOException failure =
                assertThrows(IOException.class, () -> FioOutput.parse("rbd_open failed."));
        assertEquals(
                "fio's output is not what was expected: rbd_open failed.", failure.getMessage());
    }
}
