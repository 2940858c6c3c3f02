package org.rbdwrapper.adm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.rbdwrapper.adm.Outcome.ok;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The lines that the README shows do what it says. */
final class ReadmeSystemTest {
    private static final Path README = Path.of("..", "README.md");
    private static final String LINES_BEGIN = "Ten lines that one really uses:";

    @Test
    void shouldRunTheTenLines() throws Exception {
        List<String> lines = tenLines();
        assertEquals(10, lines.size(), () -> String.join("\n", lines));
        try (Installed rbdw = new Installed()) {
            Path folder = Files.createDirectory(rbdw.folder.resolve("work"));
            Path page = Files.createDirectory(folder.resolve("site")).resolve("index.html");
            Files.writeString(page, "<p>hello</p>\n");
            for (String program : List.of("mkfs.ext4", "debugfs", "qemu-img", "python3", "fio")) {
                assumeTrue(
                        rbdw.typed(folder, "command -v " + program).code() == 0,
                        () -> program + " is not installed");
            }
            ok(rbdw.broker("start"));
            ok(rbdw.adm("create", "img0", "--size", "32M"));
            ok(rbdw.adm("map", "img0"));
            String before = "";
            for (String line : lines) {
                Installed.Result result = rbdw.typed(folder, line);
                assertEquals(0, result.code(), () -> line + "\n" + result.err());
                if (line.contains("e2fsck")) {
                    before = rbdw.typed(folder, "rbdwrapper-run sha256sum /rbdw/img0").out();
                } else if (line.endsWith("sha256sum /rbdw/img0")) {
                    assertEquals(before, result.out(), "there and back, twice");
                } else if (line.contains("python3")) {
                    assertEquals("00".repeat(512) + "\n", result.out(), "the boot block of ext4");
                }
            }
            assertEquals(-1, Files.mismatch(page, folder.resolve("page.html")));
            assertTrue(Files.size(folder.resolve("img0.gz")) < 1024 * 1024);
            assertTrue(Files.size(folder.resolve("img0.qcow2")) > 0);
        }
    }

    /** Without the comments beside them. */
    private static List<String> tenLines() throws IOException {
        String text = Files.readString(README);
        int begin = text.indexOf("```sh\n", text.indexOf(LINES_BEGIN));
        int end = text.indexOf("```", begin + 6);
        return text.substring(begin + 6, end)
                .lines()
                .map(line -> line.replaceFirst("\\s{2,}#.*", "").strip())
                .toList();
    }
}
