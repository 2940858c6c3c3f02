package org.rbdwrapper.client.hostile;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.rbdwrapper.ipc.segment.SegmentDescriptor.GENERATION_OFFSET;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.broker.testing.TestBroker;

/**
 * A client that takes its broker for dead, though it lives, and comes back to it, may have writes
 * of its former session under way at the store: it is told that it is late, and so makes none of
 * them again, which one of those could come after.
 */
@Timeout(60)
final class ReturnToLivingBrokerSystemTest {
    @Test
    void shouldTellWhoComesBackToTheBrokerThatItLeftThatItIsLate() throws Exception {
        try (TestBroker broker = TestBroker.start("memory")) {
            for (boolean isThereStill : new boolean[] {true, false}) {
                RawSession before = new RawSession(broker.runDir());
                long generation = before.segment.getLong(GENERATION_OFFSET);
                long id = before.id;
                if (!isThereStill) {
                    before.close();
                }
                try (RawSession again = new RawSession(broker.runDir())) {
                    assertTrue(again.resume(generation, id));
                }
                if (isThereStill) {
                    before.close();
                }
            }
            try (RawSession first = new RawSession(broker.runDir())) {
                assertFalse(first.resume(0, 0), "who had none before is not");
            }
        }
    }
}
