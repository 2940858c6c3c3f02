package org.rbdwrapper.perf;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.List;

class ProcessorTimeTest {
    @Test
    void shouldSeeWhatThisProcessAndItsChildrenUse() throws Exception {
        double own = ProcessorTime.of(List.of(ProcessHandle.current().pid()));
        double children = ProcessorTime.ofEndedChildren();
        String loop = "i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done";
        assertTrue(new ProcessBuilder("sh", "-c", loop).start().waitFor() == 0);
        assertTrue(ProcessorTime.ofEndedChildren() > children);
        long until = System.nanoTime() + 200_000_000;
        while (System.nanoTime() < until) {
            Thread.onSpinWait();
        }
        assertTrue(ProcessorTime.of(List.of(ProcessHandle.current().pid())) > own);
    }
}
