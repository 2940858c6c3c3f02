package org.rbdwrapper.client.hostile.siege;

import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;
import org.rbdwrapper.broker.testing.CephCluster;

/** As {@link SiegeSystemTest}: what costs a cluster's client, and not only the broker. */
@Tag("ceph")
@Isolated("measures")
@Timeout(180)
final class SiegeOnCephSystemTest {
    private static final int PHASE_MILLIS = 2000;

    @Test
    void shouldServeVictimBesideWritesOfTheSameBytes() throws Exception {
        assertServes(Attack.SAME_BYTES);
    }

    @Test
    void shouldServeVictimBesideHugeDiscards() throws Exception {
        assertServes(Attack.DISCARD_ALL);
    }

    private static void assertServes(Attack attack) throws Exception {
        assumeTrue(
                OtherUser.canBe(Siege.ATTACKER),
                "needs root and a Java that all may use, to have other users' processes");
        try (Siege siege = new Siege("ceph:" + CephCluster.get().conf())) {
            Verdict.assertServes(siege, attack, PHASE_MILLIS);
            assertNull(siege.end());
        }
    }
}
