package org.rbdwrapper.perf.load;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.perf.measure.Sample;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

class NativeProgramTest {
    @Test
    void shouldCountOperationsWhoseLatencyWasNotKept() {
        ByteBuffer samples = ByteBuffer.allocate(28).order(ByteOrder.nativeOrder());
        samples.putLong(10).putLong(2_000_000_000).putInt(100).putInt(200).putInt(1000);
        Sample sample = NativeProgram.parse(samples.array());
        assertEquals(10, sample.operations());
        assertEquals(5, sample.iops());
        assertEquals(0.2, sample.p50Micros());
        assertEquals(1, sample.p99Micros(), 0.001);
    }
}
