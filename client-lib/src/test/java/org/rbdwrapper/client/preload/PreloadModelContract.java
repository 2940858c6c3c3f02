package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.util.Map;

/**
 * Random sequences of all calls, on an image and on a plain file: the program of the folder {@code
 * preload_model} compares results, errnos, bytes and positions, and shrinks a sequence that
 * differs.
 */
abstract class PreloadModelContract extends PreloadFixture {
    /** The program's own FILE_SIZE. */
    static final int SIZE = 256 * 1024;

    /** The first sequence's; a failure names the one that fails, which may be given here. */
    private static final String SEED = System.getProperty("rbdw.model.seed", "1");

    @Test
    void shouldDoWhateverPlainFileDoes() throws Exception {
        String path = image("model", SIZE);
        NativeProgram.Result result =
                run(
                        Map.of(),
                        "preload_model",
                        path,
                        temporary.resolve("plain").toString(),
                        Integer.toString(MODEL_SECONDS),
                        SEED);
        assertEquals(0, result.exitCode(), () -> result.text() + result.errors());
        assertTrue(result.text().contains("no difference"), result::text);
        remove(path);
    }
}
