package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.rbdwrapper.broker.testing.Signals;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** One image does not answer: what a program that waits for it can do all the same. */
@Timeout(120)
final class SickImageSystemTest {
    private static final int SIGNALLED = 128;
    private static final long UNTIL_IT_WAITS_MILLIS = 300;

    @Test
    void shouldServeHealthyImagesWhileOneIsBeingOpened() throws Exception {
        try (BrokerProcess broker = BrokerProcess.startProgram(FaultyStoreBroker.class.getName())) {
            String sick = broker.createAndMap("sick", 1 << 20);
            String healthy = broker.createAndMap("healthy", 1 << 20);
            FaultyStoreBroker.restartHoldingOpensOf(broker, "sick");
            try (NativeProgram program = start(broker, "others", sick, healthy)) {
                program.await().expectSuccess();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"posix-aio", "linux-aio"})
    void shouldServeAsynchronousRequestsWhileOneImageIsBeingOpenedForThem(String kind)
            throws Exception {
        try (BrokerProcess broker = BrokerProcess.startProgram(FaultyStoreBroker.class.getName())) {
            String sick = broker.createAndMap("sick", 1 << 20);
            String healthy = broker.createAndMap("healthy", 1 << 20);
            FaultyStoreBroker.restartHoldingLaterOpensOf(broker, "sick");
            try (NativeProgram program = start(broker, kind, sick, healthy)) {
                program.await().expectSuccess();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TERM", "INT", "HUP", "ALRM", "USR1", "PIPE", "XCPU", "RTMIN"})
    void shouldLetSignalEndProgramThatWaits(String signal) throws Exception {
        try (BrokerProcess broker = BrokerProcess.startProgram(FaultyStoreBroker.class.getName())) {
            String sick = broker.createAndMap("sick", 1 << 20);
            FaultyStoreBroker.restartHoldingOpensOf(broker, "sick");
            try (NativeProgram program = start(broker, "wait", sick)) {
                program.awaitLine("waiting");
                Thread.sleep(UNTIL_IT_WAITS_MILLIS);
                Signals.send(signal, program.process().pid());
                assertEquals(SIGNALLED + numberOf(signal), program.await().exitCode());
            }
        }
    }

    @Test
    void shouldGoOnWaitingAfterSignalWasHandled() throws Exception {
        try (BrokerProcess broker = BrokerProcess.startProgram(FaultyStoreBroker.class.getName())) {
            String sick = broker.createAndMap("sick", 1 << 20);
            broker.stop();
            FaultyStoreBroker.delayOpens(broker, 2000);
            broker.startAgain();
            try (NativeProgram program = start(broker, "handle", sick)) {
                program.awaitLine("waiting");
                Thread.sleep(UNTIL_IT_WAITS_MILLIS);
                Signals.send("USR1", program.process().pid());
                program.await().expectSuccess();
            }
        }
    }

    private static NativeProgram start(BrokerProcess broker, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("sick_image"));
        command.addAll(List.of(arguments));
        return NativeProgram.start(
                broker.runDir(),
                Map.of("LD_PRELOAD", NativeProgram.FOLDER.resolve("librbdwrapper.so").toString()),
                new byte[0],
                command.toArray(String[]::new));
    }

    private static int numberOf(String signal) throws Exception {
        Process kill = new ProcessBuilder("bash", "-c", "kill -l " + signal).start();
        return Integer.parseInt(new String(kill.getInputStream().readAllBytes(), US_ASCII).strip());
    }
}
