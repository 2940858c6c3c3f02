package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.admin.MapRequest;

import java.util.Map;
import java.util.OptionalLong;

/** What programs are told where something is not as they want it. */
final class FailureSystemTest extends PreloadFixture {
    @Override
    protected String store() {
        return "memory";
    }

    @Test
    void shouldBeDeviceWithoutDriverWhereNoBrokerRuns() throws Exception {
        Map<String, String> nowhere =
                Map.of("RBDW_RUN_DIR", temporary.toString(), "RBDW_REPORT", "1");
        var result = shell(nowhere, "cat /rbdw/img0");
        assertEquals(1, result.exitCode());
        assertTrue(
                result.errors().contains("cat: /rbdw/img0: No such device or address"),
                result.errors());
        assertTrue(
                result.errors()
                        .lines()
                        .anyMatch(
                                line ->
                                        line.contains("open /rbdw/img0: no broker is running at")
                                                && line.contains("rbdwrapper-broker start")),
                result.errors());
        result = shell(Map.of("RBDW_RUN_DIR", temporary.toString()), "cat /rbdw/img0");
        assertEquals("cat: /rbdw/img0: No such device or address\n", result.errors());
    }

    @Test
    void shouldNotContactBrokerBeforeImageIsTouched() throws Exception {
        requires("strace");
        var result = shell("strace -f -e trace=connect,socket cat /etc/hostname 2>&1 >/dev/null");
        assertFalse(result.expectSuccess().text().contains("AF_UNIX"), result.text());
        String path = image("touched", MIB);
        result = shell("strace -f -e trace=connect,socket cat " + path + " 2>&1 >/dev/null");
        assertTrue(result.expectSuccess().text().contains("broker.sock"), result.text());
        remove(path);
    }

    @Test
    void shouldWorkWhereNobodyMayLookBeforeItSleeps() throws Exception {
        Twins twins = twins("asleep", 4 * MIB);
        var asleep = Map.of("RBDW_SPIN", "off", "F", twins.path(), "P", twins.file().toString());
        shell(asleep, "cmp $F $P && dd if=$P of=$F bs=4k conv=notrunc,fsync status=none")
                .expectSuccess();
        run(asleep, "fork_server", twins.path()).expectSuccess();
        remove(twins.path());
    }

    @Test
    void shouldSayWhatIsNotMapped() throws Exception {
        assertEquals(
                "cat: /rbdw/typo: No such file or directory\n", shell("cat /rbdw/typo").errors());
        assertTrue(
                shell("dd if=/dev/null of=/rbdw/typo")
                        .errors()
                        .contains("No such file or directory"));
        assertEquals(1, shell("test -e /rbdw/typo").exitCode());
    }

    @Test
    void shouldRefuseToWriteReadOnlyMapping() throws Exception {
        admin().create("ro", MIB);
        String path = map("ro", true);
        assertTrue(
                shell("echo x > " + path).errors().contains("Read-only file system"),
                "bash's redirection");
        assertEquals("1048576\n", shell("cat " + path + " | wc -c").text());
        remove(path);
    }

    @Test
    void shouldKeepNamesInRoot() throws Exception {
        String path = image("name", MIB);
        Map<String, String> f = Map.of("F", path, "D", temporary.toString());
        for (String command :
                new String[] {
                    "rm -f $F",
                    "mv $F $D/moved",
                    "unlink $F",
                    "ln $F $D/linked",
                    "chmod 777 $F",
                    "chown 1 $F",
                    "touch /rbdw/new",
                    "mkdir /rbdw/new",
                    "ln -s /etc/passwd /rbdw/new",
                    "mv /etc/hostname /rbdw/new",
                    "rmdir /rbdw",
                }) {
            var result = shell(f, command);
            assertEquals(1, result.exitCode(), command + result.errors());
            assertEquals(1, result.errors().lines().count(), command + result.errors());
        }
        assertTrue(shell(f, "rm -f $F").errors().contains("Operation not permitted"));
        shell(f, "touch $F && cp --preserve=timestamps /etc/passwd $F").expectSuccess();
        assertEquals("name\n", shell("ls /rbdw").text());
        remove(path);
    }

    @Test
    void shouldReportWhatWasIntercepted() throws Exception {
        String path = image("report", MIB);
        var result =
                shell(
                        Map.of("RBDW_REPORT", "1", "F", path),
                        "exec dd if=$F of=/dev/null bs=64K count=3 status=none");
        result.expectSuccess();
        assertTrue(
                result.errors()
                        .lines()
                        .anyMatch(
                                line -> line.matches(".*dd\\[\\d+]: read +3 calls +196608 bytes")),
                result.errors());
        result =
                shell(
                        Map.of("RBDW_REPORT", "1", "F", path),
                        "exec python3 -c 'import mmap, os;"
                                + " f = os.open(os.environ[\"F\"], os.O_RDWR); mmap.mmap(f, 0)'");
        assertTrue(result.errors().contains("No such device"), result.errors());
        assertTrue(result.errors().contains("mmap "), result.errors());
        assertTrue(result.errors().contains("fell through"), result.errors());
        assertEquals("", shell(Map.of("F", path), "cat $F > /dev/null").errors());
        remove(path);
    }

    @Test
    void shouldOutliveProgramThatClosesAllDescriptors() throws Exception {
        requires("python3");
        String path = image("closes", MIB);
        shell(
                        Map.of("F", path),
                        """
                        python3 -c '
                        import os
                        kept = os.open(os.environ["F"], os.O_RDWR)
                        assert len(os.read(kept, 100)) == 100
                        for fd in range(kept + 1, 5000):
                            try:
                                os.close(fd)
                            except OSError:
                                pass
                        assert len(os.read(kept, 100)) == 100
                        os.closerange(3, 100000)
                        again = os.open(os.environ["F"], os.O_RDWR)
                        assert again == 3 and len(os.pread(again, 100, 0)) == 100
                        '
                        """)
                .expectSuccess();
        remove(path);
    }

    @Test
    void shouldGoOnAndTouchNoFileOfProgramThatClosesAllPastTheLibrary() throws Exception {
        String path = image("closes-past", MIB);
        run(Map.of(), "closes_all", path, temporary.resolve("own").toString()).expectSuccess();
        remove(path);
    }

    private String map(String name, boolean readOnly) throws Exception {
        return admin().map(
                        new MapRequest(
                                name,
                                "",
                                readOnly,
                                OptionalLong.empty(),
                                OptionalLong.empty(),
                                MapRequest.DEFAULT_MODE,
                                ""));
    }
}
