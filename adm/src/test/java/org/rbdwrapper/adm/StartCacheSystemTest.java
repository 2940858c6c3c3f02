package org.rbdwrapper.adm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.rbdwrapper.adm.Outcome.ok;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * The caches of loaded classes: with {@code -XX:AOTMode=on} a JVM does not start where it cannot
 * use its cache.
 */
final class StartCacheSystemTest {
    private Installed rbdw;

    @BeforeEach
    void install() throws Exception {
        rbdw = new Installed();
    }

    @AfterEach
    void remove() throws IOException {
        rbdw.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"rbdwrapper-adm", "rbdwrapper-broker"})
    void shouldUseCache(String launcher) throws Exception {
        assertEquals(0, insist(launcher).code());
    }

    @ParameterizedTest
    @ValueSource(strings = {"rbdwrapper-adm", "rbdwrapper-broker"})
    void shouldUseCacheInMovedTree(String launcher) throws Exception {
        assertEquals(0, insist(copy() + "/bin/" + launcher).code());
    }

    @Test
    void shouldLoadWhatCommandsUseFromCache() throws Exception {
        Path copy = copy();
        Path launcher = copy.resolve("bin/rbdwrapper-adm");
        // the launcher's own logging options come last, and win
        Files.writeString(
                launcher,
                Files.readString(launcher)
                        .replace("-jar", "-Xlog:class+load:file=loaded.txt -jar"));
        ok(rbdw.typed(rbdw.folder, launcher + " showmapped --help"));
        for (String name :
                new String[] {"picocli.CommandLine", "org.rbdwrapper.adm.ShowMappedCommand"}) {
            assertEquals(
                    1,
                    Files.readAllLines(rbdw.folder.resolve("loaded.txt")).stream()
                            .filter(
                                    line ->
                                            line.contains(
                                                    " " + name + " source: shared objects file"))
                            .count(),
                    name);
        }
    }

    @Test
    void shouldWorkWithoutItsCache() throws Exception {
        Path copy = copy();
        Files.delete(copy.resolve("lib/adm.aot"));
        expectSameOutput(copy);
    }

    @Test
    void shouldUseCacheInCopyThatDidNotKeepTimes() throws Exception {
        Path copy = copy();
        ok(rbdw.typed(rbdw.folder, "touch tree/lib/*.jar"));
        assertTrue(usesCache(copy));
    }

    @Test
    void shouldNotUseCacheOfOtherJars() throws Exception {
        Path copy = copy();
        assertTrue(usesCache(copy));
        ok(
                rbdw.typed(
                        rbdw.folder,
                        "for jar in tree/lib/rbdwrapper-client-*.jar; do echo >> $jar; done"));
        assertFalse(usesCache(copy));
        expectSameOutput(copy);
    }

    @Test
    void shouldNotUseCacheOfAnotherJdk() throws Exception {
        Path copy = copy();
        ok(rbdw.typed(rbdw.folder, "sed -i '1s/$/ another/' tree/lib/aot.made-of"));
        assertFalse(usesCache(copy));
        expectSameOutput(copy);
    }

    @Test
    void shouldWorkWithBrokenCache() throws Exception {
        Path copy = copy();
        Path cache = copy.resolve("lib/adm.aot");
        byte[] bytes = Files.readAllBytes(cache);
        Files.write(cache, Arrays.copyOf(bytes, bytes.length / 2));
        expectSameOutput(copy);
        expectUnusable(copy);
        Files.write(cache, new byte[0]);
        expectSameOutput(copy);
        Arrays.fill(bytes, 0, 4096, (byte) 0x5a);
        Files.write(cache, bytes);
        expectSameOutput(copy);
        expectUnusable(copy);
    }

    private void expectSameOutput(Path copy) throws Exception {
        Installed.Result result = rbdw.typed(rbdw.folder, copy + "/bin/rbdwrapper-adm --version");
        assertEquals(ok(rbdw.adm("--version")), ok(result));
        assertEquals("", result.err());
    }

    private boolean usesCache(Path copy) throws Exception {
        String flags =
                rbdw.typed(
                                rbdw.folder,
                                "JDK_JAVA_OPTIONS=-XX:+PrintFlagsFinal "
                                        + copy
                                        + "/bin/rbdwrapper-adm --version")
                        .out();
        assertTrue(flags.contains(" AOTCache "));
        return flags.contains("adm.aot");
    }

    private void expectUnusable(Path copy) throws Exception {
        assertNotEquals(0, insist(copy + "/bin/rbdwrapper-adm").code());
    }

    private Installed.Result insist(String launcher) throws Exception {
        return rbdw.typed(
                rbdw.folder, "JDK_JAVA_OPTIONS=-XX:AOTMode=on " + launcher + " --version");
    }

    private Path copy() throws Exception {
        ok(
                rbdw.typed(
                        rbdw.folder,
                        "cp -a \"$(dirname \"$(command -v rbdwrapper-adm)\")/..\" tree"));
        return rbdw.folder.resolve("tree");
    }
}
