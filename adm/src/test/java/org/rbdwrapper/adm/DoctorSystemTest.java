package org.rbdwrapper.adm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.rbdwrapper.adm.Outcome.assertFailure;
import static org.rbdwrapper.adm.Outcome.ok;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.rbdwrapper.ipc.posix.ProcessIdentity;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** {@code rbdwrapper-adm doctor} on programs of all kinds, that the C compiler makes here. */
final class DoctorSystemTest {
    private static final String MAIN = "int main(void) { return 0; }";
    private static final String START = "void _start(void) { for (;;) { } }";

    private static Installed rbdw;

    @BeforeAll
    static void install() throws IOException {
        rbdw = new Installed();
    }

    @AfterAll
    static void remove() throws IOException {
        rbdw.close();
    }

    @Test
    void shouldListCallsOfOrdinaryProgram() throws Exception {
        String text = ok(doctor("dd"));
        assertTrue(text.matches("(?s)/\\S*dd: can be intercepted\n.*intercepted:\n  dd: .*"), text);
        JsonObject json =
                JsonParser.parseString(ok(doctor("dd", "--format", "json"))).getAsJsonObject();
        assertTrue(json.get("can_be_intercepted").getAsBoolean());
        String calls = json.getAsJsonObject("intercepted").getAsJsonArray("dd").toString();
        for (String call : new String[] {"open", "read", "write", "lseek", "ftruncate"}) {
            assertTrue(calls.matches(".*\"" + call + "(64)?\".*"), call + " in " + calls);
        }
    }

    @Test
    void shouldListCallsThatAreNotIntercepted() throws Exception {
        compile(
                "walks",
                """
                #include <ftw.h>
                #include <unistd.h>
                int main(void) { sync(); return ftw("/", 0, 0); }
                """,
                "");
        String text = ok(doctor("./walks"));
        assertTrue(text.contains("can be intercepted"), text);
        assertTrue(text.contains("not intercepted, though it touches files:\n"), text);
        assertTrue(text.matches("(?s).*  ftw(64)? \\(walks\\): .*  sync \\(walks\\): .*"), text);
    }

    @Test
    void shouldLookIntoLibrariesBesideProgram() throws Exception {
        Files.createDirectories(rbdw.folder.resolve("libs"));
        compile(
                "libs/libreads.so",
                """
                #include <stdio.h>
                void *reads(void) { return fopen("x", "r"); }
                """,
                "-shared -fPIC");
        compile(
                "asks",
                "void *reads(void); int main(void) { return reads() == 0; }",
                "-Llibs -lreads -Wl,-rpath,'$ORIGIN/libs'");
        String text = ok(doctor("./asks"));
        assertTrue(text.contains("  libreads.so: fopen\n"), text);
        Files.delete(rbdw.folder.resolve("libs/libreads.so"));
        assertTrue(ok(doctor("./asks")).contains("libreads.so, which asks needs, was not found"));
    }

    @ParameterizedTest
    @CsvSource({
        "static, '" + START + "', -nostdlib -static, statically linked",
        "static-pie, '" + START + "', -nostdlib -static-pie, statically linked",
        "musl, '" + MAIN + "', '-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1', musl",
        "loader, '" + MAIN + "', '-Wl,--dynamic-linker=/lib/ld-linux-no.so.2', is not installed",
        "go, '__attribute__((section(\".go.buildinfo\"))) char info[16] = {1};"
                + MAIN
                + "', -O0, written in Go",
        "library, '" + MAIN + "', -shared -fPIC, 'a shared library, not a program'",
        "object, '" + MAIN + "', -c, 'an object file, not a program|a object file, not a program'",
    })
    void shouldSayWhyProgramCannotBeIntercepted(
            String name, String source, String options, String reason) throws Exception {
        compile("cannot-" + name, source, options);
        assertCannot("./cannot-" + name, reason);
    }

    @Test
    void shouldRefuseProgramOfAnotherMachine() throws Exception {
        compile("other-machine", MAIN, "");
        Path program = rbdw.folder.resolve("other-machine");
        byte[] bytes = Files.readAllBytes(program);
        bytes[18] = 22; // e_machine: s390
        Files.write(program, bytes);
        assertCannot("./other-machine", "for another machine (s390, 64 bit)");
    }

    @Test
    void shouldSayThatPrivilegedProgramIgnoresPreload() throws Exception {
        String program = "/bin/su";
        if (ProcessIdentity.uid() == 0) {
            program = "./privileged";
            assertEquals(
                    0,
                    typed(
                                    "cp /bin/true privileged && chown 65534 privileged && chmod"
                                            + " 4755 privileged")
                            .code());
        }
        assumeTrue(Files.exists(rbdw.folder.resolve(program)));
        boolean canGain =
                !Files.readString(Path.of("/proc/self/status")).contains("NoNewPrivs:\t1");
        if (canGain) {
            assertCannot(program, "setuid to user");
        } else {
            assertTrue(ok(doctor(program)).contains("note: setuid to user"));
        }
    }

    @Test
    void shouldWarnOfIoUring() throws Exception {
        compile(
                "liburing.so.2",
                "int io_uring_submit(void *r) { return r != 0; }",
                "-shared -fPIC -Wl,-soname,liburing.so.2");
        compile(
                "rings",
                "int io_uring_submit(void *); int main(void) { return io_uring_submit(0); }",
                "liburing.so.2 -Wl,-rpath,'$ORIGIN'");
        String text = ok(doctor("./rings"));
        assertTrue(text.contains("can be intercepted"), text);
        assertTrue(text.contains("note: io_uring is used by rings"), text);
    }

    @Test
    void shouldFollowScriptToWhoRunsIt() throws Exception {
        Files.writeString(rbdw.folder.resolve("script"), "#!/usr/bin/env bash\necho hello\n");
        typed("chmod +x script");
        String text = ok(doctor("./script"));
        assertTrue(text.startsWith("./script is a script, run by bash\n"), text);
        assertTrue(text.matches("(?s).*/bash: can be intercepted\n.*"), text);
    }

    @Test
    void shouldRefuseWhatIsNoProgramInOneLine() throws Exception {
        Files.writeString(rbdw.folder.resolve("text"), "hello\n");
        assertCannot("./text", "neither an ELF program nor a script");
        assertFailure(1, doctor("no-such-program"), "no-such-program", "ENOENT");
        assertFailure(1, doctor("./no/such"), "./no/such", "ENOENT");
        assertFailure(1, doctor("/tmp"), "/tmp is not a file");
        assertEquals(2, doctor().code());
    }

    @Test
    void shouldGiveOneLineForDamagedProgram() throws Exception {
        compile("whole", MAIN, "");
        byte[] bytes = Files.readAllBytes(rbdw.folder.resolve("whole"));
        for (int length : new int[] {4, 16, 63, 64, 200, 1000, bytes.length / 2}) {
            Files.write(rbdw.folder.resolve("cut"), java.util.Arrays.copyOf(bytes, length));
            assertFailure(1, doctor("./cut"), "cut is a damaged ELF file", "ENOEXEC");
        }
    }

    private static void assertCannot(String program, String reason) throws Exception {
        Installed.Result result = doctor(program);
        assertEquals(1, result.code(), result.out());
        assertEquals("", result.err());
        assertTrue(
                result.out()
                        .contains(program.replaceFirst("^\\./", "") + ": cannot be intercepted\n"),
                result.out());
        boolean found = false;
        for (String text : reason.split("\\|")) {
            found |= result.out().contains(text);
        }
        assertTrue(found, result.out());
        assertFalse(result.out().contains("intercepted:\n"), result.out());
    }

    private static void compile(String name, String source, String options) throws Exception {
        Files.writeString(rbdw.folder.resolve("source.c"), source);
        Installed.Result result = typed("${CC:-cc} -o " + name + " source.c " + options);
        assertEquals(0, result.code(), result.err());
    }

    private static Installed.Result doctor(String... arguments) throws Exception {
        return typed("rbdwrapper-adm doctor " + String.join(" ", arguments));
    }

    private static Installed.Result typed(String line) throws Exception {
        return rbdw.typed(rbdw.folder, line);
    }
}
