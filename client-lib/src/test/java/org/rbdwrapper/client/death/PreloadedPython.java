package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.rbdwrapper.client.nativelib.NativeProgram;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Small programs under the preload library that a test talks with. */
public final class PreloadedPython {
    private static final String PYTHON = "/usr/bin/python3";

    private PreloadedPython() {}

    /**
     * The caller's to end. Its errors go where the test's do.
     *
     * @param path the script's argument.
     */
    public static Process start(
            Path runDir, String script, String path, Map<String, String> environment)
            throws IOException {
        assumeTrue(Files.isExecutable(Path.of(PYTHON)), "python3 is not installed");
        ProcessBuilder builder =
                new ProcessBuilder(PYTHON, "-c", script, path)
                        .redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().put("RBDW_RUN_DIR", runDir.toString());
        builder.environment()
                .put("LD_PRELOAD", NativeProgram.FOLDER.resolve("librbdwrapper.so").toString());
        builder.environment().putAll(environment);
        return builder.start();
    }
}
