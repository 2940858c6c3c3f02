package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.posix.ProcessIdentity;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;

/** An image's times are those of a plain file that is used in the same way. */
abstract class TimesContract extends PreloadFixture {
    private static final Path PROGRAMS = Path.of("src", "test", "programs").toAbsolutePath();

    @Test
    void shouldHaveTimesOfPlainFile() throws Exception {
        requires("python3");
        Twins twins = twins("times", MIB);
        String seen =
                twins.expectSame("python3 " + PROGRAMS.resolve("python_times.py") + " $F $TMP_DIR");
        assertTrue(seen.contains("after its close 132"), seen); // its last line
        twins.remove();
    }

    @Test
    void shouldLetToolsFindWhatHasChanged() throws Exception {
        requires("make", "find", "tar");
        Twins twins = twins("found", MIB);
        twins.expectSame(
                """
                change() { sleep 0.02; printf $1 | dd of=$F conv=notrunc status=none; sleep 0.02; }
                cd $TMP_DIR
                touch stamp; sleep 0.02
                find $F -newer stamp | wc -l
                change one; find $F -newer stamp | wc -l; test $F -nt stamp && echo newer
                find $F -newercm stamp | wc -l
                touch stamp; sleep 0.02; find $F -newer stamp | wc -l
                printf 'made: %s\\n\\tcp %s made && echo making\\n' $F $F > makefile
                make -s; make -s; change two; make -s; make -s
                rm -f state
                dump() { tar -C $(dirname $F) -g state -cf - $(basename $F) 2>/dev/null | tar -t; }
                dump | wc -l; sleep 1.1; dump | wc -l; change three; dump | wc -l
                """);
        twins.remove();
    }

    @Test
    void shouldBeCopiedWithItsTimes() throws Exception {
        requires("rsync", "tar");
        Twins twins = twins("copied", MIB);
        twins.expectSame(
                """
                cd $TMP_DIR; at() { stat -c %.9Y "$1"; }
                touch -d '2011-12-13 14:15:16.171819202' $F; at $F
                cp -p $F copy; at copy
                rsync -a $F synced; at synced; rsync -ai $F synced | wc -l
                printf new | dd of=$F conv=notrunc status=none; rsync -ai $F synced | wc -l; cmp $F synced
                touch -d '2001-02-03 04:05:06.7' copy; rsync -a --inplace copy $F; at $F
                rsync -ai --inplace copy $F | wc -l
                touch -r synced copy; cp -p copy $F; test $F -nt synced || echo not newer
                tar -cf archive copy; at $F | wc -l
                """);
        twins.remove();
    }

    @Test
    void shouldTellOfClientsThatDoNotAskTheKernel() throws Exception {
        String path = image("by-java", MIB);
        String before = at(path);
        try (RbdFile file = RbdFile.openAt(runDir(), path)) {
            assertEquals(before, at(path));
            file.write(ByteBuffer.wrap(new byte[] {1}), 0);
            String written = at(path);
            assertTrue(written.compareTo(before) > 0, before + " " + written);
            file.discard(0, 65_536);
            String discarded = at(path);
            assertTrue(discarded.compareTo(written) > 0, written + " " + discarded);
            file.writeZeroes(0, 65_536);
            String zeroed = at(path);
            assertTrue(zeroed.compareTo(discarded) > 0, discarded + " " + zeroed);
            file.force();
            file.read(ByteBuffer.allocate(10), 0);
            assertEquals(zeroed, at(path));
        }
        remove(path);
    }

    @Test
    void shouldTellOfResize() throws Exception {
        String path = image("resized", MIB);
        String before = at(path);
        admin().resize("resized", 2L * MIB, false, (done, total) -> {});
        assertTrue(at(path).compareTo(before) > 0);
        remove(path);
    }

    @Test
    void shouldKeepTimesOverUnmapAndShowThemUnderEveryName() throws Exception {
        String path = image("mapped-again", MIB);
        shell("touch -d '2001-02-03 04:05:06.123456789' " + path).expectSuccess();
        String times = times(path);
        admin().unmap(path, false);
        assertEquals(path, admin().map(MapRequest.of("mapped-again")));
        assertEquals(times, times(path));
        String other = admin().map(named("mapped-again", "other", false, 0600));
        String readOnly = admin().map(named("mapped-again", "read-only", true, 0600));
        shell("printf x | dd conv=notrunc status=none of=" + other).expectSuccess();
        assertEquals(times(other), times(path));
        assertEquals(times(other), times(readOnly));
        assertTrue(
                shell("touch " + readOnly).errors().contains("Read-only file system"),
                "touch of what is mapped read-only");
        assertEquals(times(other), times(readOnly));
        admin().unmap(other, false);
        admin().unmap(readOnly, false);
        remove(path);
    }

    /**
     * Who does not own it: as of a file, chosen times are refused, and now is a writer's to say.
     */
    @Test
    void shouldLetOwnerChooseTimesAndWriterSayNow() throws Exception {
        requires("python3");
        assumeTrue(ProcessIdentity.uid() == 0, "needs root to become another user");
        Path file = randomFile("owned", MIB, 1);
        String image = "owned";
        admin().create(image, MIB);
        for (int mode : new int[] {0666, 0644, 0600}) {
            String path = admin().map(named(image, "", false, mode));
            Files.setPosixFilePermissions(file, permissions(mode));
            String expected = becomeAnother(Map.of("LD_PRELOAD", ""), file.toString());
            assertEquals(expected, becomeAnother(Map.of(), path), Integer.toOctalString(mode));
            assertTrue(expected.contains("PermissionError"), expected);
            admin().unmap(path, false);
        }
        admin().remove(image, (done, total) -> {});
    }

    private String becomeAnother(Map<String, String> environment, String path) throws Exception {
        // the folders of a test are its user's alone; what is asked is who may change the file
        String script =
                """
                import os, sys
                folder = os.path.dirname(sys.argv[1])
                if folder != "/rbdw":
                    os.chdir(folder)
                    sys.argv[1] = os.path.basename(sys.argv[1])
                os.setgroups([])
                os.setresgid(12345, 12345, 12345)
                os.setresuid(12345, 12345, 12345)
                for what in (None, (1, 2)):
                    try:
                        os.utime(sys.argv[1], what)
                        print("ok")
                    except OSError as e:
                        print(type(e).__name__, e.errno)
                """;
        return run(environment, "/usr/bin/python3", "-c", script, path).expectSuccess().text();
    }

    private static Set<PosixFilePermission> permissions(int mode) {
        return PosixFilePermissions.fromString(
                mode == 0666 ? "rw-rw-rw-" : mode == 0644 ? "rw-r--r--" : "rw-------");
    }

    private static MapRequest named(String image, String name, boolean readOnly, int mode) {
        return new MapRequest(
                image, name, readOnly, OptionalLong.empty(), OptionalLong.empty(), mode, "");
    }

    private String at(String path) throws Exception {
        return shell("stat -c %.9Y " + path).expectSuccess().text();
    }

    /** Of modification, change and birth: that of reading is not everybody's. */
    private String times(String path) throws Exception {
        return shell("stat -c '%.9Y %.9Z %.9W' " + path).expectSuccess().text();
    }
}
