package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.ProcessIdentity;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.stream.Stream;

/**
 * An image's descriptor in other processes than that which has opened it: inherited, received,
 * reached through /proc, with the library and without. It is that image or an error, never other
 * bytes and never another image.
 */
abstract class PassedDescriptorsContract extends PreloadFixture {
    private static final String WITHOUT = "env -u LD_PRELOAD ";

    /** Two processes: the one opens and sends, the other receives and does what argument 2 says. */
    private static final String SENDS =
            """
            import array, os, socket, sys
            ours, theirs = socket.socketpair()
            if os.fork() == 0:
                ours.close()
                fd = os.open(os.environ["F"], os.O_RDWR)
                os.lseek(fd, 100, os.SEEK_SET)
                socket.send_fds(theirs, [b"x"], [fd, fd])
                os._exit(0)
            theirs.close()
            _, fds, _, _ = socket.recv_fds(ours, 1, 2)
            os.wait()
            """;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "exec 3< $F; sha256sum < /proc/$$/fd/3",
                "exec 3< $F; cat /proc/$$/fd/3 | sha256sum",
                "exec 3< $F; head -c 100 <&3 | md5sum; tail -c +1000 /proc/$$/fd/3 | sha256sum",
                "exec 3< $F; cat /proc/$$/task/$$/fd/3 | sha256sum",
                "exec 3<> $F; printf hello | dd of=/proc/$$/fd/3 conv=notrunc status=none;"
                        + " head -c 5 <&3",
                "exec 3< $F; (exec 4< /proc/$$/fd/3; head -c 9 <&4 | md5sum); head -c 9 <&3 |"
                        + " md5sum",
                "exec 3< $F; cp /proc/$$/fd/3 $TMP_DIR/copy; sha256sum < $TMP_DIR/copy",
                "exec 3< $F; bash -c 'sha256sum /dev/stdin' <&3",
                "exec 3< $F; test -f /proc/$$/fd/3 && stat -L -c %s /proc/$$/fd/3",
                "exec 3< $F; cd /proc/$$/fd && stat -L -c '%F %s' 3 && sha256sum < 3",
                "exec 3< $F; cd /proc/$$ && stat -L -c '%F %s' fd/3 && sha256sum fd/3",
                "exec 3< $F; cd /dev && stat -L -c '%F %s' fd/3 && sha256sum < fd/3",
                "exec 3< $F; rm -f $TMP_DIR/link; ln -s /proc/$$/fd/3 $TMP_DIR/link;"
                        + " stat -L -c '%F %s' $TMP_DIR/link && sha256sum < $TMP_DIR/link",
                "exec 3< $F; rm -f $TMP_DIR/link; ln -s /proc/$$/fd/3 $TMP_DIR/link; exec 4<"
                        + " $TMP_DIR/link; sha256sum <&4",
                "exec 3<> $F; cd /proc/$$/fd && touch -d @1000000000 3; stat -c %Y $F",
            })
    void shouldBeTheImageThroughProc(String command) throws Exception {
        Twins twins = twins("proc", MIB);
        twins.expectSame(command);
        twins.remove();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "exec 3< $F; head -c 4 <&3; dd bs=4 count=1 status=none <&3; cat <&3 | wc -c",
                "exec 3<> $F; bash -c 'printf one >&3'; bash -c 'bash -c \"printf two >&3\"';"
                        + " printf three >&3; head -c 11 $F",
                "exec 3< $F 4<&3; head -c 10 <&3; bash -c 'head -c 10 <&4'; head -c 10 <&3",
                "(exec 3< $F; (head -c 10 <&3 & wait); exec head -c 10 <&3)",
                "exec 3<> $F; python3 -c 'import os; os.lseek(3, 512, 0)'; head -c 10 <&3",
            })
    void shouldShareThePositionOverForkAndExec(String command) throws Exception {
        requires("python3");
        Twins twins = twins("shared", MIB);
        twins.expectSame(command + " | od -c");
        twins.remove();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "cat <&3",
                "cat /dev/fd/3",
                "cat /dev/stdin <&3",
                "cat /proc/$$/fd/3",
                "dd if=/proc/self/fd/3 status=none",
                "dd of=/proc/self/fd/3 if=/etc/passwd conv=notrunc status=none",
                "dd of=/proc/$$/fd/3 if=/etc/passwd status=none",
                "sh -c 'echo x > /proc/self/fd/3'",
                "sh -c 'echo x >&3'",
                "truncate -s 0 /proc/self/fd/3",
                "python3 -c 'import os; os.pread(3, 1, 0)'",
                "python3 -c 'import os; os.open(\"/proc/self/fd/3\", os.O_RDWR)'",
                "python3 -c 'import mmap; mmap.mmap(3, 4096)'",
                "python3 -c 'import os; os.sendfile(1, 3, 0, 4096)'",
            })
    void shouldFailInProgramWithoutTheLibrary(String command) throws Exception {
        requires("python3");
        Twins twins = twins("without", MIB);
        var result =
                shell(
                        Map.of("F", twins.path()),
                        "exec 3<> $F; head -c 10 <&3 > /dev/null; " + WITHOUT + command);
        assertNotEquals(0, result.exitCode(), result.errors());
        assertEquals("", result.text());
        twins.remove(); // which looks whether it is as it was
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "os.read(fds[0], 20)",
                "os.readv(fds[0], [bytearray(20)])",
                "os.pread(fds[1], 20, 500)",
                "os.fstat(fds[0]).st_size",
                "os.lseek(fds[0], 0, os.SEEK_CUR)",
                "(os.read(fds[0], 20), os.read(fds[1], 20))",
                "(os.pwrite(fds[0], b'new', 7), os.fsync(fds[1]), os.pread(fds[1], 20, 0))",
                "os.fdopen(os.dup(fds[0]), 'rb').read(30)",
                "open('/proc/self/fd/%d' % fds[0], 'rb').read(30)",
                "os.sendfile(os.open('/dev/null', os.O_WRONLY), fds[0], 0, 100)",
            })
    void shouldBeTheImageWhereItIsReceived(String expression) throws Exception {
        requires("python3");
        Twins twins = twins("sent", MIB);
        twins.expectSame("python3 - <<'EOF'\n" + SENDS + "print(" + expression + ")\nEOF");
        twins.remove();
    }

    @Test
    void shouldBeTheImageWhereItIsTakenFromAProcess() throws Exception {
        requires("python3");
        Twins twins = twins("taken", MIB);
        String take =
                """
                python3 - <<'EOF'
                import ctypes, os, time
                libc = ctypes.CDLL(None, use_errno=True)
                there, here = os.pipe()
                child = os.fork()
                if child == 0:
                    fd = os.open(os.environ["F"], os.O_RDWR)
                    os.write(here, b"%d" % fd)
                    time.sleep(60)
                fd = int(os.read(there, 10))
                process = os.pidfd_open(child)
                taken = libc.syscall(438, process, fd, 0)
                assert taken >= 0, os.strerror(ctypes.get_errno())
                os.kill(child, 9)
                os.wait()
                print(os.read(taken, 20), os.fstat(taken).st_size)
                EOF
                """;
        twins.expectSame(take);
        twins.remove();
    }

    @Test
    void shouldKeepTheImageInUseUntilTheLastDescriptorIsClosed() throws Exception {
        requires("python3");
        String path = image("held", MIB);
        try (var holder = holding(path, "exec 3<> $F; exec sleep 1000")) {
            holder.awaitExec("sleep");
            ErrnoException refused =
                    assertThrows(ErrnoException.class, () -> admin().unmap(path, false));
            assertEquals(Errno.EBUSY, refused.errno());
            assertTrue(refused.getMessage().contains("bash (pid "), refused.getMessage());
        }
        admin().unmap(path, false); // at once
        admin().remove("held", (done, total) -> {});
        assertEquals(0, noted());
    }

    @Test
    void shouldNeverBecomeAnotherImage() throws Exception {
        requires("python3");
        String path = image("first", MIB);
        Twins second = twins("second", MIB);
        admin().unmap(second.path(), false);
        String go = temporary.resolve("go").toString();
        String command =
                "exec 3<> $F; head -c 1 <&3 > $GO.begun; while [ ! -e $GO ]; do sleep 0.05; done;"
                        + " for c in 'echo x >&3' 'cat <&3' 'echo x > /dev/fd/3' 'cat /dev/fd/3'"
                        + " 'python3 -c \"import os; os.pwrite(3, bytes(9), 0)\"'"
                        + " 'python3 -c \"import os; os.fsync(3)\"'"
                        + " 'cat /proc/'$$'/fd/3'; do LC_ALL=C bash -c \"$c\" 2>&1 |"
                        + " grep -o -e 'Stale file handle' -e 'No such device or address'"
                        + " || echo \"it worked: $c\"; done; exit 0";
        var program =
                new ProcessBuilder("/bin/bash", "-c", command)
                        .redirectErrorStream(true)
                        .redirectOutput(temporary.resolve("said").toFile());
        program.environment()
                .putAll(
                        Map.of(
                                "LD_PRELOAD",
                                LIBRARY.toString(),
                                "RBDW_RUN_DIR",
                                runDir().toString(),
                                "F",
                                path,
                                "GO",
                                go));
        Process process = program.start();
        try {
            awaitFile(Path.of(go + ".begun"));
            admin().unmap(path, true);
            admin().map(as("second", "first"));
            Files.createFile(Path.of(go));
            assertEquals(0, process.waitFor());
        } finally {
            process.destroyForcibly();
        }
        String said = Files.readString(temporary.resolve("said"));
        assertEquals(7, said.lines().count(), said);
        assertTrue(said.lines().noneMatch(line -> line.startsWith("it worked")), said);
        admin().unmap("/rbdw/first", false);
        admin().map(MapRequest.of("second"));
        second.remove(); // whose bytes are as they were
        admin().remove("first", (done, total) -> {});
    }

    @Test
    void shouldTakeADescriptorOfSomebodysMakingForNothing() throws Exception {
        requires("python3");
        String path = image("forged", MIB);
        String forge =
                """
                python3 - <<'EOF'
                import os, socket, subprocess
                name = os.environ["D"] + "/image"
                with socket.socket(socket.AF_UNIX) as named:
                    named.bind(name)
                fd = os.open(name, os.O_PATH)
                os.unlink(name)
                for command in (["cat"], ["head", "-c1", "/dev/stdin"], ["wc", "-c"]):
                    done = subprocess.run(command, stdin=fd, capture_output=True, text=True)
                    print(done.returncode != 0, done.stdout.strip(" -0\\n"))
                EOF
                """;
        var result = shell(Map.of("F", path, "D", temporary.toString()), "exec 5< $F\n" + forge);
        assertEquals("True \nTrue \nTrue \n", result.text(), result.errors());
        remove(path);
    }

    @Test
    void shouldStayOpenForAProcessThatGivesUpItsUser() throws Exception {
        requires("python3");
        assumeTrue(ProcessIdentity.uid() == 0, "only root can become somebody else");
        for (Path folder = runDir(); folder.startsWith("/tmp/"); folder = folder.getParent()) {
            // the next broker has to be found by somebody else
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        Twins twins = twins("dropped", MIB);
        String drops =
                """
                python3 - <<'EOF'
                import os
                fd = os.open(os.environ["F"], os.O_RDWR)
                os.setgroups([]); os.setgid(65534); os.setuid(65534)
                print(os.pread(fd, 10, 0), os.pwrite(fd, b"still", 20))
                if os.fork() == 0:
                    print(os.pread(fd, 10, 20), os.pwrite(fd, b"too", 40), flush=True)
                    os._exit(0)
                print(os.wait()[1])
                EOF
                """;
        twins.expectSame(drops);
        twins.remove();
    }

    @Test
    void shouldLeaveNothingBehind() throws Exception {
        String path = image("many", MIB);
        shell(
                        Map.of("F", path),
                        "for i in $(seq 50); do exec 3< $F; head -c 1 <&3 > /dev/null; exec 4<&3;"
                                + " exec 3<&-; exec 4<&-; done; exec 5< $F; kill -9 $$")
                .text();
        remove(path);
        assertEquals(0, noted());
    }

    private static MapRequest as(String image, String name) {
        MapRequest request = MapRequest.of(image);
        return new MapRequest(
                request.spec(),
                name,
                request.readOnly(),
                request.ownerUid(),
                request.ownerGid(),
                request.mode(),
                request.options());
    }

    /** What the broker keeps of open files; it removes it in the background. */
    private long noted() throws Exception {
        Path folder = runDir().resolve("opens");
        long count = -1;
        for (int i = 0; i < 500 && count != 0; i++) {
            Thread.sleep(10);
            count = entries(folder);
        }
        return count;
    }

    private static long entries(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return 0;
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.count();
        }
    }

    private static void awaitFile(Path file) throws Exception {
        while (!Files.exists(file) || Files.size(file) == 0) {
            Thread.sleep(10); // the test's time limit ends a wait in vain
        }
    }

    private Holder holding(String path, String command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder("/bin/bash", "-c", command);
        builder.environment().put("LD_PRELOAD", LIBRARY.toString());
        builder.environment().put("RBDW_RUN_DIR", runDir().toString());
        builder.environment().put("F", path);
        return new Holder(builder.start());
    }

    /** A process that has the image's descriptor and no more. */
    private record Holder(Process process) implements AutoCloseable {
        void awaitExec(String program) throws Exception {
            Path name = Path.of("/proc", Long.toString(process.pid()), "comm");
            while (!Files.readString(name).strip().equals(program)) {
                Thread.sleep(10);
            }
        }

        @Override
        public void close() {
            process.destroyForcibly().onExit().join();
        }
    }
}
