package org.rbdwrapper.client.hostile.siege;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.ArrayList;
import java.util.List;

/**
 * What must hold on any host: beside an attack a victim reaches a tenth of what it reaches alone,
 * in each of what it does. What falls short is measured twice more, since a host's own noise does
 * not last, and a fault does; so is what the broker still holds when the attacker has ended, since
 * its JVM opens a file once, and a leak opens one each time. That nothing is lost, and that the
 * broker takes no memory without a bound, has no second try.
 */
final class Verdict {
    private static final double LEAST_PART = 0.1;
    private static final int TRIES = 3;

    private Verdict() {}

    static void assertServes(Siege siege, Attack attack, int millis) throws Exception {
        List<String> fallsShort = List.of();
        for (int i = 0; i < TRIES; i++) {
            Outcome outcome = siege.attack(attack, 1, millis);
            System.out.println(String.join(" | ", outcome.toRow(List.of())));
            assertNull(outcome.lost());
            assertFalse(
                    outcome.grewTooMuch(),
                    () ->
                            "memory of the broker beside %s: from %d to %d MiB"
                                    .formatted(
                                            attack,
                                            outcome.memoryKib() >> 10,
                                            outcome.mostMemoryKib() >> 10));
            fallsShort = fallsShort(outcome);
            if (fallsShort.isEmpty()) {
                return;
            }
        }
        assertEquals(List.of(), fallsShort, "beside " + attack);
    }

    private static List<String> fallsShort(Outcome outcome) {
        List<String> fallsShort = new ArrayList<>();
        outcome.left().forEach(left -> fallsShort.add("left: " + left));
        for (String field : outcome.alone().getFirst().fields().keySet()) {
            double part = outcome.ratio(m -> m.perSecond(m.fields().get(field))).median();
            if (part < LEAST_PART) {
                fallsShort.add("%ss of the victim: %.3f of alone".formatted(field, part));
            }
        }
        return fallsShort;
    }
}
