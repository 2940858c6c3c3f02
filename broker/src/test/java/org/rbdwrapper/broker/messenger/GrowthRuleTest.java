package org.rbdwrapper.broker.messenger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.messenger.GrowthRule.Evidence;

final class GrowthRuleTest {
    private static final int LIMIT = 3;
    private static final Evidence SATURATED = new Evidence(1, 0.95, 4, 2.0);

    private final GrowthRule rule = new GrowthRule(LIMIT);

    @Test
    void shouldAddAfterSomeSaturatedSecondsInARow() {
        assertFalse(addsWithin(GrowthRule.CONSECUTIVE - 1, SATURATED));
        assertTrue(rule.onLook(SATURATED));
    }

    @Test
    void shouldCountAnewAfterItAdded() {
        assertTrue(addsWithin(GrowthRule.CONSECUTIVE, SATURATED));
        assertFalse(addsWithin(GrowthRule.CONSECUTIVE - 1, new Evidence(2, 0.95, 4, 2.0)));
    }

    @Test
    void shouldCountAnewAfterASecondThatWasNot() {
        assertFalse(addsWithin(GrowthRule.CONSECUTIVE - 1, SATURATED));
        assertFalse(rule.onLook(new Evidence(1, 0.5, 4, 2.0)));
        assertFalse(addsWithin(GrowthRule.CONSECUTIVE - 1, SATURATED));
        assertTrue(rule.onLook(SATURATED));
    }

    @Test
    void shouldNotAddWhereOneMessengerCouldDoMore() {
        assertFalse(addsWithin(100, new Evidence(2, 0.3, 8, 2.0)));
    }

    @Test
    void shouldNotAddForAsManyClientsAsThereAreMessengers() {
        assertFalse(addsWithin(100, new Evidence(1, 1.0, 1, 2.0)));
        assertFalse(addsWithin(100, new Evidence(2, 1.0, 2, 2.0)));
    }

    @Test
    void shouldNotAddWhereNoCoreIdles() {
        assertFalse(addsWithin(100, new Evidence(1, 1.0, 4, 0.7)));
    }

    @Test
    void shouldAddWhereOneOfTwoCoresIdlesButForWhatTheBrokerDoesBeside() {
        assertTrue(addsWithin(GrowthRule.CONSECUTIVE, new Evidence(1, 1.0, 4, 0.95)));
    }

    @Test
    void shouldLookAtWhatIdlesOverAllSecondsSinceOthersComeAndGo() {
        Evidence disturbed = new Evidence(1, 1.0, 4, 0.3);
        Evidence quiet = new Evidence(1, 1.0, 4, 1.4);
        boolean added = false;
        for (int look = 0; look < GrowthRule.CONSECUTIVE; look++) {
            added |= rule.onLook(look % 2 == 0 ? quiet : disturbed);
        }
        assertTrue(added);
    }

    @Test
    void shouldAddWhenTheDisturbanceIsFiveSecondsAgo() {
        assertFalse(addsWithin(100, new Evidence(1, 1.0, 4, 0)));
        assertFalse(addsWithin(GrowthRule.CONSECUTIVE - 2, new Evidence(1, 1.0, 4, 1.0)));
        assertTrue(addsWithin(1, new Evidence(1, 1.0, 4, 1.0)));
    }

    @Test
    void shouldNotAddBeyondTheLimit() {
        assertFalse(addsWithin(100, new Evidence(LIMIT, 1.0, 16, 8.0)));
    }

    @Test
    void shouldNotAddBeforeTheFirstIsThere() {
        assertFalse(addsWithin(100, new Evidence(0, 1.0, 4, 8.0)));
    }

    @Test
    void shouldAddUpToTheLimitUnderLastingSaturation() {
        int messengers = 1;
        for (int look = 0; look < 100; look++) {
            messengers += rule.onLook(new Evidence(messengers, 1.0, 16, 8.0)) ? 1 : 0;
        }
        assertEquals(LIMIT, messengers);
    }

    private boolean addsWithin(int looks, Evidence seen) {
        boolean added = false;
        for (int look = 0; look < looks; look++) {
            added |= rule.onLook(seen);
        }
        return added;
    }
}
