package org.rbdwrapper.client.hostile.siege;

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

import java.util.Arrays;
import java.util.stream.Stream;

/**
 * Beside every attack of another user a victim goes on, keeps what it has written, and when the
 * attacker has ended, the broker holds what it held before.
 *
 * <p>How well it goes on is for {@code perf/siege} to say, on a host that does nothing else: see
 * {@link Verdict}.
 */
@Isolated("measures")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(180)
final class SiegeSystemTest {
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
                        .map(
                                a ->
                                        dynamicTest(
                                                a.name(),
                                                () ->
                                                        Verdict.assertServes(
                                                                inMemory, a, PHASE_MILLIS)));
        return Stream.concat(
                attacks,
                Stream.of(dynamicTest("after all of them", () -> assertNull(inMemory.end()))));
    }

    @Test
    void shouldFlushBesideLargeReadsOfFiles() throws Exception {
        try (Siege onFiles = new Siege("file")) {
            Verdict.assertServes(onFiles, Attack.READS_SAME_BYTES, PHASE_MILLIS);
            Verdict.assertServes(onFiles, Attack.READS_LARGE, PHASE_MILLIS);
            assertNull(onFiles.end());
        }
    }
}
