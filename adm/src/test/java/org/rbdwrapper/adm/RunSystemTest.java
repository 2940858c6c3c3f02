package org.rbdwrapper.adm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.rbdwrapper.adm.Outcome.assertFailure;
import static org.rbdwrapper.adm.Outcome.ok;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;

/** {@code rbdwrapper-run} as a person types it. */
final class RunSystemTest {
    private static final String SIZE = "rbdwrapper-run stat -c %s /rbdw/img0";

    private static Installed rbdw;

    @BeforeAll
    static void install() throws Exception {
        rbdw = new Installed();
        ok(rbdw.broker("start"));
        ok(rbdw.adm("create", "img0", "--size", "1M"));
        ok(rbdw.adm("map", "img0"));
    }

    @AfterAll
    static void remove() throws IOException {
        rbdw.close();
    }

    @Test
    void shouldRunProgramWithImages() throws Exception {
        assertEquals("1048576\n", ok(typed(SIZE)));
        assertEquals("1048576\n", ok(typed(SIZE.replace("run stat", "run -- stat"))));
        assertEquals("1048576\n", ok(typed("rbdwrapper-run sh -c 'wc -c < /rbdw/img0'")));
    }

    @Test
    void shouldExitAsProgramDoes() throws Exception {
        assertEquals(7, typed("rbdwrapper-run sh -c 'exit 7'").code());
        assertEquals(128 + 9, typed("rbdwrapper-run sh -c 'kill -9 $$'").code());
        assertEquals(127, typed("rbdwrapper-run no-such-program").code());
        Files.writeString(rbdw.folder.resolve("unexecutable"), "x");
        assertEquals(126, typed("rbdwrapper-run ./unexecutable").code());
    }

    @Test
    void shouldPassArgumentsUntouched() throws Exception {
        assertEquals(
                "[a b][][$HOME][*][-x]\n",
                ok(
                        typed(
                                "rbdwrapper-run printf '[%s][%s][%s][%s][%s]\\n"
                                        + "' 'a b' '' '$HOME' '*' -x")));
    }

    @Test
    void shouldExplainItselfWithoutProgram() throws Exception {
        assertFailure(2, typed("rbdwrapper-run"), "--help");
        assertFailure(2, typed("rbdwrapper-run --no-such"), "--no-such", "--help");
        assertTrue(ok(typed("rbdwrapper-run --help")).startsWith("Usage: rbdwrapper-run PROGRAM"));
    }

    @Test
    void shouldKeepWhatElseIsPreloaded() throws Exception {
        String line =
                "LD_PRELOAD=libm.so.6 rbdwrapper-run sh -c 'echo $LD_PRELOAD; wc -c < /rbdw/img0'";
        String[] lines = ok(typed(line)).split("\n");
        assertTrue(lines[0].matches("/.*/librbdwrapper\\.so:libm\\.so\\.6"), lines[0]);
        assertEquals("1048576", lines[1]);
        // within itself: once is enough
        String nested = ok(typed("rbdwrapper-run rbdwrapper-run sh -c 'echo $LD_PRELOAD'"));
        assertEquals(1, nested.split("librbdwrapper").length - 1, nested);
    }

    @ParameterizedTest
    @ValueSource(strings = {"tree", "a tree", "a tree (2)"})
    void shouldWorkFromAnyFolder(String name) throws Exception {
        String copy = "cp -r \"$(dirname \"$(command -v rbdwrapper-run)\")/..\" '" + name + "' && ";
        assertEquals("1048576\n", ok(typed(copy + "'" + name + "/bin/'" + SIZE)));
        assertEquals("1048576\n", ok(typed("cd '" + name + "/bin' && ./" + SIZE)));
        assertEquals("1048576\n", ok(typed("cd '" + name + "' && bin/" + SIZE)));
        assertEquals(
                "1048576\n",
                ok(
                        typed(
                                "ln -sf '../"
                                        + name
                                        + "/bin/rbdwrapper-run' \"$RBDW_RUN_DIR/r\" &&"
                                        + " \"$RBDW_RUN_DIR/r\" stat -c %s /rbdw/img0")));
    }

    @Test
    void shouldSayWhereItCannotPreload() throws Exception {
        typed("cp -r \"$(dirname \"$(command -v rbdwrapper-run)\")/..\" 'a:b'");
        assertFailure(1, typed("a:b/bin/" + SIZE), "a:b", "move the install tree");
        typed("mv a:b without && rm without/lib/librbdwrapper.so");
        assertFailure(1, typed("without/bin/" + SIZE), "librbdwrapper.so is missing");
    }

    private static Installed.Result typed(String line) throws Exception {
        return rbdw.typed(rbdw.folder, line);
    }
}
