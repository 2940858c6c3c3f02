package org.rbdwrapper.perf.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class BrokerAllocationTest {
    @Test
    void shouldAddUpThreadsInTheirUnitsButNotTheOneThatServesJcmd() {
        String threads =
                """
                "conductor" #24 [98] prio=5 os_prio=0 cpu=1.60ms elapsed=1.94s allocated=160K defined_classes=5 tid=0x0
                   java.lang.Thread.State: RUNNABLE
                "messenger 0" #25 [99] prio=5 os_prio=0 cpu=9.60ms elapsed=1.94s allocated=20M defined_classes=5 tid=0x0
                "Finalizer" #9 [16] daemon prio=8 os_prio=0 cpu=0.37ms elapsed=3s allocated=64B defined_classes=0 tid=0x0
                "Attach Listener" #26 [52] daemon prio=9 os_prio=0 cpu=0.51ms elapsed=0.11s allocated=128B defined_classes=0
                "VM Thread" os_prio=0 cpu=9.94ms elapsed=3.18s tid=0x0
                """;
        assertEquals((160 << 10) + (20 << 20) + 64, BrokerAllocation.parse(threads));
    }
}
