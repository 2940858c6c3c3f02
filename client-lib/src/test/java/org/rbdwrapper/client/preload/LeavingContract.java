package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.util.Map;

/**
 * Calls that a program leaves midway: its threads are cancelled in them, and signal handlers that
 * interrupt them do not return.
 */
abstract class LeavingContract extends PreloadFixture {
    /** Ten thousand over all ways. */
    private static final String TIMES = System.getProperty("rbdw.leave.times", "1250");

    @Test
    void shouldBeCancelledInTheSameCallsAsOnPlainFile() throws Exception {
        Twins twins = twins("points", MIB);
        twins.expectSame(NativeProgram.FOLDER.resolve("cancellation_points") + " $F");
        twins.remove();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "jump",
                "jump-after-io",
                "setcontext-after-io",
                "builtin-jump-after-io",
                "exit-after-io",
                "jump-from-signal-stack",
                "setcontext",
                "builtin-jump",
                "exit",
                "cancel",
                "cancel-at-once"
            })
    void shouldLoseNothingWhereCallsAreLeftMidway(String how) throws Exception {
        String path = image("left-" + how, 8 * MIB);
        String output = run(Map.of(), "leave_midway", how, path, TIMES).expectSuccess().text();
        assertEquals("left " + TIMES + " calls\n", output);
        remove(path);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "after-io"})
    void shouldLoseNothingWhereHandlersThrowExceptions(String when) throws Exception {
        requires("c++");
        String path = image("left-by-exception", 8 * MIB);
        assertEquals(
                "left by exceptions\n",
                run(Map.of(), "leave_by_exception", path, TIMES, when).expectSuccess().text());
        remove(path);
    }
}
