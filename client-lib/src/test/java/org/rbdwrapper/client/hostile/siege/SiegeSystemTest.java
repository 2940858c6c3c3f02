package org.rbdwrapper.client.hostile.siege;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Beside every attack of another user a victim goes on, keeps what it has written, and when the
 * attacker has ended, the broker holds what it held before.
 *
 * <p>How well it goes on is for {@code perf/siege} to say, on a host that does nothing else. Here
 * it must reach a fifth of what it reaches alone, in each of what it does; what falls short is
 * measured twice more, since a host's own noise does not last, and a fault does.
 */
@Isolated("measures")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(180)
final class SiegeSystemTest {
    private static final double LEAST_PART = 0.2;
    private static final int TRIES = 3;
    private static final int PHASE_MILLIS = 600;

    private Siege inMemory;

    @BeforeAll
    void begin() throws Exception {
        assumeTrue(
                OtherUser.canBe(Siege.ATTACKER),
                "needs root and a Java that all may use, to have other users' processes");
        inMemory = new Siege("memory");
    }

    @AfterAll
    void end() throws Exception {
        if (inMemory != null) {
            inMemory.close();
        }
    }

    @TestFactory
    Stream<DynamicTest> shouldServeVictimBesideAttackAndLoseNothing() {
        Stream<DynamicTest> attacks =
                Arrays.stream(Attack.values())
                        .filter(attack -> !attack.isYardstick())
                        .map(a -> dynamicTest(a.name(), () -> assertServes(inMemory, a)));
        return Stream.concat(
                attacks,
                Stream.of(dynamicTest("after all of them", () -> assertNull(inMemory.end()))));
    }

    @Test
    void shouldFlushBesideLargeReadsOfFiles() throws Exception {
        try (Siege onFiles = new Siege("file")) {
            assertServes(onFiles, Attack.READS_LARGE);
            assertNull(onFiles.end());
        }
    }

    private static void assertServes(Siege siege, Attack attack) throws Exception {
        List<String> fallsShort = List.of();
        for (int i = 0; i < TRIES; i++) {
            Outcome outcome = siege.attack(attack, 1, PHASE_MILLIS);
            System.out.println(String.join(" | ", outcome.toRow()));
            assertEquals(List.of(), outcome.left(), "left by " + attack);
            assertNull(outcome.lost());
            fallsShort = fallsShort(outcome);
            if (fallsShort.isEmpty()) {
                return;
            }
        }
        assertEquals(List.of(), fallsShort, "beside " + attack);
    }

    private static List<String> fallsShort(Outcome outcome) {
        List<String> fallsShort = new ArrayList<>();
        for (String field : outcome.alone().getFirst().fields().keySet()) {
            double part = outcome.ratio(m -> m.perSecond(m.fields().get(field))).median();
            if (part < LEAST_PART) {
                fallsShort.add("%ss of the victim: %.3f of alone".formatted(field, part));
            }
        }
        if (outcome.grewTooMuch()) {
            fallsShort.add(
                    "memory of the broker: from %d to %d MiB"
                            .formatted(outcome.memoryKib() >> 10, outcome.mostMemoryKib() >> 10));
        }
        return fallsShort;
    }
}
