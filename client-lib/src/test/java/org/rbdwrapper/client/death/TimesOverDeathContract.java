package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.client.admin.BrokerAdmin;

import java.io.BufferedReader;
import java.math.BigDecimal;
import java.util.Map;

/** An image's times outlive the broker; what it may not have written down is newer, not older. */
@Timeout(120)
abstract class TimesOverDeathContract {
    private static final String SET =
            "import os, sys; os.utime(sys.argv[1], ns=(1234567890123456789, 1111111111000000001))";
    private static final String SHOW =
            "import os, sys; s = os.stat(sys.argv[1]); print(s.st_mtime_ns, s.st_ctime_ns)";

    /** Says when it had written, tells of the times that it sees, and ends with its input. */
    private static final String WRITE =
            """
            import os, sys
            image = os.open(sys.argv[1], os.O_RDWR)
            os.pwrite(image, b"1", 0)
            status = os.fstat(image)
            print(status.st_mtime_ns, status.st_ctime_ns, flush=True)
            sys.stdin.read()
            """;

    private final String name = "times-" + System.nanoTime();
    private BrokerProcess broker;
    private String path;

    /** For {@code rbdwrapper-broker start}. */
    abstract String[] options() throws Exception;

    BrokerProcess broker() {
        return broker;
    }

    @BeforeEach
    void startBroker() throws Exception {
        broker = BrokerProcess.start(options());
        path = broker.createAndMap(name, 1 << 20);
    }

    @AfterEach
    void stopBroker() throws Exception {
        try (BrokerAdmin admin = broker.admin()) {
            admin.unmap(path, true);
            admin.remove(name, (done, total) -> {});
        } finally {
            broker.close();
        }
    }

    @Test
    void shouldKeepTimesThatWereSetAndThoseOfWrites() throws Exception {
        for (String script : new String[] {SET, WRITE}) {
            python(script);
            String times = python(SHOW);
            broker.kill();
            broker.startAgain();
            assertEquals(times, python(SHOW), "after a kill");
            broker.stop();
            broker.startAgain();
            assertEquals(times, python(SHOW), "after a stop");
        }
    }

    @Test
    void shouldBeNewerAfterKillThanWhatWasWrittenBefore() throws Exception {
        python(SET);
        Process writer = PreloadedPython.start(broker.runDir(), WRITE, path, Map.of());
        try (BufferedReader lines = writer.inputReader()) {
            String[] written = lines.readLine().split(" ");
            broker.kill();
            writer.destroyForcibly().waitFor(); // so that nobody is waited for
            broker.startAgain();
            String first = python(SHOW);
            String[] now = first.split(" ");
            for (int i = 0; i < 2; i++) {
                assertTrue(
                        new BigDecimal(now[i].strip()).compareTo(new BigDecimal(written[i])) >= 0,
                        String.join(" ", written) + " became " + first);
            }
            assertEquals(first, python(SHOW), "the next look");
            broker.kill();
            broker.startAgain();
            assertEquals(first, python(SHOW), "after another kill");
        } finally {
            writer.destroyForcibly();
        }
    }

    private String python(String script) throws Exception {
        Process process = PreloadedPython.start(broker.runDir(), script, path, Map.of());
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertEquals(0, process.waitFor(), output);
        return output;
    }
}
