package org.rbdwrapper.broker.messenger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class ChannelScanTest {
    @Test
    void shouldLookAtAllChannelsOfDefaultSessionInEachTurn() {
        for (int channels = 1; channels <= ChannelScan.OTHERS_A_TURN; channels++) {
            ChannelScan scan = new ChannelScan(channels);
            for (int turn = 0; turn < 3; turn++) {
                assertEquals((1L << channels) - 1, scan.next());
            }
        }
    }

    @Test
    void shouldComeToEachOfManyChannelsWithinFewTurns() {
        for (int channels = ChannelScan.OTHERS_A_TURN + 1;
                channels <= ChannelScan.MAX_CHANNELS;
                channels++) {
            ChannelScan scan = new ChannelScan(channels);
            int turns = (channels + ChannelScan.OTHERS_A_TURN - 1) / ChannelScan.OTHERS_A_TURN;
            scan.next(); // from any turn on
            long seen = 0;
            for (int turn = 0; turn < turns; turn++) {
                long now = scan.next();
                assertTrue(Long.bitCount(now) <= ChannelScan.OTHERS_A_TURN);
                seen |= now;
            }
            assertEquals(channels, Long.bitCount(seen));
        }
    }

    @Test
    void shouldLookInEachTurnAtThoseThatHadRequestsLately() {
        ChannelScan scan = new ChannelScan(64);
        scan.onRequests(63);
        scan.forget();
        for (int turn = 0; turn < 20; turn++) {
            long now = scan.next();
            assertTrue(now < 0, "without the last channel");
            assertTrue(Long.bitCount(now) <= 1 + ChannelScan.OTHERS_A_TURN);
        }
        scan.forget();
        int seen = 0;
        for (int turn = 0; turn < 8; turn++) {
            seen += scan.next() < 0 ? 1 : 0;
        }
        assertEquals(1, seen);
    }

    @Test
    void shouldGoOnWhereTheTurnWasBrokenOffAndLeaveOutNone() {
        ChannelScan scan = new ChannelScan(64);
        for (int channel = 0; channel < 60; channel++) {
            scan.onRequests(channel);
        }
        scan.forget();
        // a flood on sixty channels, of which a turn takes eight
        int[] looks = new int[64];
        for (int turn = 0; turn < 8 * 8 * 20; turn++) {
            long left = scan.next();
            for (int taken = 0; left != 0 && taken < 8; left &= left - 1) {
                int channel = Long.numberOfTrailingZeros(left);
                looks[channel]++;
                taken += channel < 60 ? 1 : 0;
            }
            scan.breakOff(left);
        }
        for (int channel = 0; channel < 60; channel++) {
            assertEquals(looks[0], looks[channel], 1, "channel " + channel);
        }
        for (int channel = 60; channel < 64; channel++) {
            assertTrue(looks[channel] >= looks[0] / 8 - 1, "channel " + channel);
        }
    }

    @Test
    void shouldRefuseMoreChannelsThanItKnows() {
        assertThrows(IllegalArgumentException.class, () -> new ChannelScan(65));
        assertThrows(IllegalArgumentException.class, () -> new ChannelScan(0));
    }
}
