package org.rbdwrapper.adm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.rbdwrapper.adm.Outcome.assertFailure;
import static org.rbdwrapper.adm.Outcome.ok;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.Map;

/** Names that could lead elsewhere, break a line, or be something else than they seem. */
final class BadNamesSystemTest {
    /** A spec, and how a message shows it. */
    private static final Map<String, String> SPECS =
            Map.ofEntries(
                    Map.entry("..", "'..'"),
                    Map.entry("../../etc/passwd", "'../../etc/passwd'"),
                    Map.entry("../img", "'..'"),
                    Map.entry("/img", "pool name is empty"),
                    Map.entry("", "image name is empty"),
                    Map.entry("a\nb", "'a\\u000ab'"),
                    Map.entry("pool\n/img", "'pool\\u000a'"),
                    Map.entry("img@", "'img@'"),
                    // 48 characters, 96 bytes
                    Map.entry("ü".repeat(48), "ü".repeat(48)),
                    Map.entry("p".repeat(201) + "/img", "longer than 200 bytes"));

    private Installed rbdw;

    @BeforeEach
    void startBroker() throws Exception {
        rbdw = new Installed();
        ok(rbdw.broker("start"));
        ok(rbdw.adm("create", "img", "--size", "1M"));
        ok(rbdw.adm("map", "img"));
    }

    @AfterEach
    void stopBroker() throws Exception {
        rbdw.close();
    }

    @Test
    void shouldRefuseBadSpecs() throws Exception {
        String mapped = ok(rbdw.adm("showmapped"));
        for (Map.Entry<String, String> spec : SPECS.entrySet()) {
            assertFailure(1, rbdw.adm("map", spec.getKey()), spec.getValue(), "EINVAL");
        }
        assertFailure(1, rbdw.adm("create", "../img", "--size", "1M"), "'..'", "EINVAL");
        assertFailure(1, rbdw.adm("create", "", "--size", "1M"), "name is empty", "EINVAL");
        assertFailure(1, rbdw.adm("create", "a\nb", "--size", "1M"), "'a\\u000ab'", "EINVAL");
        assertFailure(1, rbdw.adm("rm", "../img"), "'..'", "EINVAL");
        assertFailure(1, rbdw.adm("info", "a\nb"), "'a\\u000ab'", "EINVAL");
        assertFailure(1, rbdw.adm("resize", "", "--size", "2M"), "name is empty", "EINVAL");
        assertFailure(1, rbdw.adm("rm", "img@snap"), "img@snap", "EINVAL");
        assertFailure(1, rbdw.adm("ls", ".."), "'..'", "EINVAL");
        assertFailure(1, rbdw.adm("ls", "a\nb"), "'a\\u000ab'", "EINVAL");
        assertFailure(1, rbdw.adm("unmap", "a\nb"), "'a\\u000ab'", "EINVAL|ENOENT");
        assertFailure(1, rbdw.adm("unmap", "/rbdw/../img"), "/rbdw/../img", "EINVAL|ENOENT");
        assertFailure(1, rbdw.adm("unmap", ""), "''|empty", "EINVAL|ENOENT");
        assertEquals(mapped, ok(rbdw.adm("showmapped")));
        assertEquals("img\n", ok(rbdw.adm("ls")));
    }

    @Test
    void shouldRefuseBadNamesOfMappings() throws Exception {
        String mapped = ok(rbdw.adm("showmapped"));
        Map<String, String> names =
                Map.of(
                        "..",
                        "'..'",
                        "a/b",
                        "'a/b'",
                        "a\nb",
                        "'a\\u000ab'",
                        "",
                        "''",
                        "ü".repeat(128),
                        "longer than 255 bytes");
        for (Map.Entry<String, String> name : names.entrySet()) {
            assertFailure(
                    1, rbdw.adm("map", "img", "--as", name.getKey()), name.getValue(), "EINVAL");
        }
        assertEquals(mapped, ok(rbdw.adm("showmapped")));
        // the longest that fits
        assertEquals(
                "/rbdw/" + "n".repeat(255) + "\n",
                ok(rbdw.adm("map", "img", "--as", "n".repeat(255))));
    }

    @Test
    void shouldRefuseBadValuesOfOptionsInOneLine() throws Exception {
        assertFailure(2, rbdw.adm("create", "new", "--size", "-1"), "-1");
        assertFailure(2, rbdw.adm("create", "new", "--size", "1\nM"), "--size");
        assertFailure(2, rbdw.adm("create", "new"), "--size");
        assertFailure(2, rbdw.adm("create", "new", "more", "--size", "1M"), "more");
        assertFailure(1, rbdw.adm("create", "new", "--size", "511B"), "rbd/new", "511", "EINVAL");
        assertFailure(
                1, rbdw.adm("create", "new", "--size", "2047P"), "rbd/new", "EFBIG|ENOSPC|EINVAL");
        assertFailure(1, rbdw.adm("resize", "img", "--size", "1000B"), "rbd/img", "1000", "EINVAL");
        assertFailure(2, rbdw.adm("map", "img", "--mode", "-1", "--as", "x"), "--mode", "-1");
        assertFailure(2, rbdw.adm("map", "img", "--mode", "01777", "--as", "x"), "01777");
        assertFailure(2, rbdw.adm("map", "img", "--owner", "", "--as", "x"), "--owner");
        assertFailure(2, rbdw.adm("map", "img", "--owner", "0:none", "--as", "x"), "none");
        assertFailure(2, rbdw.adm("map", "img", "--owner", "a\nb", "--as", "x"), "--owner");
        assertFailure(2, rbdw.adm("map", "img", "--owner", "4294967295", "--as", "x"), "--owner");
        // such numbers have the users of large directories
        ok(rbdw.adm("map", "img", "--owner", "2000000001:4294967294", "--as", "owned"));
        ok(rbdw.adm("unmap", "/rbdw/owned"));
        assertFailure(1, rbdw.adm("map", "img", "--as", "x", "-o", "a\nb"), "a\\u000ab", "EINVAL");
        assertFailure(1, rbdw.adm("map", "img", "--as", "x", "-o", "messengers=9"), "=9", "EINVAL");
        assertFailure(2, rbdw.adm("showmapped", "--format", "yaml"), "yaml");
        assertEquals("img\n", ok(rbdw.adm("ls")));
        assertEquals(1, ok(rbdw.adm("showmapped")).lines().skip(1).count());
    }
}
