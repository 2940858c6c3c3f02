package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.admin.ClientInfo;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.io.BufferedReader;
import java.util.HashMap;
import java.util.Map;

/** Small reads in sequence: few requests, and always what was written last. */
abstract class ReadAheadContract extends PreloadFixture {
    private static final String PROGRAM = NativeProgram.FOLDER.resolve("read_ahead").toString();

    /** Made by three parties while the image is read. */
    protected abstract int changes();

    @Test
    void shouldReadWhatAnyClientHasWritten() throws Exception {
        String path = image("ahead-coherence", 2 * MIB);
        run(Map.of(), PROGRAM, "coherence", path, Integer.toString(changes())).expectSuccess();
        remove(path);
    }

    @Test
    void shouldReadSmallBlocksByFewRequests() throws Exception {
        Twins twins = twins("ahead-few", 4 * MIB);
        long requests = requestsOfSequence(twins.path(), 4096, Map.of());
        assertTrue(requests < 30, requests + " requests for 1024 reads");
        twins.expectSame("dd if=$F bs=512 count=3000 status=none | sha256sum");
        twins.remove();
    }

    @Test
    void shouldRequestEachReadWhereReadAheadIsOff() throws Exception {
        String path = image("ahead-off", MIB);
        assertEquals(256, requestsOfSequence(path, 4096, Map.of("RBDW_READ_AHEAD", "off")));
        remove(path);
    }

    @Test
    void shouldSeeTheImageGrow() throws Exception {
        String path = image("ahead-grow", MIB);
        String resize =
                """
                import os,sys
                f = os.open(sys.argv[1], os.O_RDONLY)
                n = 0
                while os.read(f, 4096): n += 1
                print(n, flush=True)
                sys.stdin.readline()
                while os.read(f, 4096): n += 1
                print(n, flush=True)
                """;
        requires("python3");
        Process python = start(Map.of(), "python3", "-c", resize, path);
        try (BufferedReader lines = python.inputReader()) {
            assertEquals("256", lines.readLine());
            admin().resize("ahead-grow", 2 * MIB, false, (done, total) -> {});
            python.outputWriter().append('\n').flush();
            assertEquals("512", lines.readLine());
            assertEquals(0, python.waitFor());
        } finally {
            python.destroyForcibly();
        }
        remove(path);
    }

    /** Requests of a program that reads an image from its beginning to its end. */
    private long requestsOfSequence(String path, int bytes, Map<String, String> environment)
            throws Exception {
        Process reader = start(environment, PROGRAM, "sequence", path, Integer.toString(bytes));
        try (BufferedReader lines = reader.inputReader()) {
            assertTrue(lines.readLine().endsWith(" reads"));
            ClientInfo client =
                    admin().clients().stream()
                            .filter(c -> c.pid() == reader.pid())
                            .findFirst()
                            .orElseThrow();
            reader.outputWriter().close();
            assertEquals(0, reader.waitFor());
            return client.requests();
        } finally {
            reader.destroyForcibly();
        }
    }

    private Process start(Map<String, String> environment, String... command) throws Exception {
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        Map<String, String> all = new HashMap<>(environment);
        all.put("LD_PRELOAD", LIBRARY.toString());
        all.put("RBDW_RUN_DIR", runDir().toString());
        builder.environment().putAll(all);
        return builder.start();
    }
}
