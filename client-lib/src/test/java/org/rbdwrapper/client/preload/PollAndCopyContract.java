package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Readiness of images, and copies that the kernel does for files. */
abstract class PollAndCopyContract extends PreloadFixture {
    private static final Path PROGRAMS = NativeProgram.FOLDER;

    @Test
    void shouldPollAndCopyAsFile() throws Exception {
        Twins twins = twins("poll-copy", 3 * MIB);
        // the other one's path differs between the two runs, and is of the same kind as the first
        String otherImage = image("poll-copy-other", 3 * MIB);
        Path otherFile = temporary.resolve("poll-copy-other.plain");
        Files.copy(twins.file(), otherFile);
        fill(otherImage, otherFile);
        String output =
                twins.expectSame(
                        "O="
                                + otherFile
                                + "; [ $F = "
                                + twins.path()
                                + " ] && O="
                                + otherImage
                                + "; "
                                + PROGRAMS.resolve("poll_and_copy")
                                + " $F $O $TMP_DIR");
        assertTrue(output.endsWith("threads that copied right: 20 \n"), output);
        assertTrue(!output.contains(": no\n"), output);
        twins.remove();
        remove(otherImage);
    }

    @Test
    void shouldCopyBetweenImageAndFile() throws Exception {
        Twins twins = twins("copy-mixed", 3 * MIB);
        Path file = temporary.resolve("copy-mixed.other");
        Files.copy(twins.file(), file);
        twins.expectSame(
                "cp "
                        + file
                        + " $TMP_DIR/other; "
                        + PROGRAMS.resolve("poll_and_copy")
                        + " $F $TMP_DIR/other $TMP_DIR; sha256sum < $TMP_DIR/other");
        twins.remove();
    }

    @Test
    void shouldTakeNoMoreThanImageHasRoomFor() throws Exception {
        String path = image("copy-end", MIB);
        Path file = randomFile("copy-end.plain", 4096, 7);
        run(Map.of(), "copy_at_end", path, file.toString()).expectSuccess();
        remove(path);
    }

    @Test
    void shouldFindInheritedImageReady() throws Exception {
        requires("python3");
        Twins twins = twins("poll-inherited", MIB);
        // opened by the shell, and first touched by a poll or a copy
        twins.expectSame(
                "python3 -c 'import select; p = select.poll(); p.register(0, 5); print(p.poll())'"
                        + " <> $F");
        twins.expectSame("python3 -c 'import select; print(select.select([0], [0], [0]))' <> $F");
        twins.expectSame(
                "python3 -c 'import os; print(os.sendfile(1, 0, 10, 1000))' < $F | sha256sum");
        twins.remove();
    }

    @Test
    void shouldCountCallsInReport() throws Exception {
        String path = image("copy-report", MIB);
        var result =
                shell(
                        Map.of("F", path, "RBDW_REPORT", "1"),
                        "python3 -c 'import os; f = os.open(\"'$F'\", os.O_RDONLY);"
                                + " os.sendfile(1, f, 0, 5000)'");
        String line =
                result.errors()
                        .lines()
                        .filter(text -> text.contains("sendfile"))
                        .findFirst()
                        .orElse("");
        assertTrue(line.contains("5000"), result.errors());
        remove(path);
    }
}
