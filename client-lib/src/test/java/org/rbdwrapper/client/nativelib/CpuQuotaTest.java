package org.rbdwrapper.client.nativelib;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;

/** What a process may use of the processors, by folders that look as the kernel's do. */
final class CpuQuotaTest {
    private static final String UNLIMITED = Integer.toString(Integer.MAX_VALUE);

    @TempDir private Path folder;

    @Test
    void shouldFindTheLeastOfAGroupAndThoseAboveIt() throws Exception {
        put("a/b/cpu.max", "400000 100000");
        assertEquals("4", cores("0::/a/b"));
        put("a/cpu.max", "150000 100000");
        assertEquals("2", cores("0::/a/b"), "one and a half, rounded up");
        put("cpu.max", "50000 100000");
        assertEquals("1", cores("0::/a/b"));
        assertEquals("1", cores("0::/"), "a container's own group");
        assertEquals("1", cores("0::/elsewhere/outside/of/the/container"));
    }

    @Test
    void shouldTakeNoQuotaForNone() throws Exception {
        assertEquals(UNLIMITED, cores("0::/a"));
        put("a/cpu.max", "max 100000");
        assertEquals(UNLIMITED, cores("0::/a"));
        put("cpu/a/cpu.cfs_quota_us", "-1");
        put("cpu/a/cpu.cfs_period_us", "100000");
        assertEquals(UNLIMITED, cores("3:cpu:/a"));
    }

    @Test
    void shouldReadTheFirstVersionWhateverElseIsMountedWithIt() throws Exception {
        put("cpu,cpuacct/a/cpu.cfs_quota_us", "50000");
        put("cpu,cpuacct/a/cpu.cfs_period_us", "100000");
        assertEquals("1", cores("12:pids:/a\n4:cpu,cpuacct:/a\n1:name=systemd:/a\n0::/a"));
        assertEquals(UNLIMITED, cores("5:cpuset,cpuacct:/a"), "another controller");
        put("cpu/b/cpu.cfs_quota_us", "300000");
        put("cpu/b/cpu.cfs_period_us", "100000");
        assertEquals("3", cores("4:cpuacct,cpu:/b"), "mounted under another name");
    }

    @Test
    void shouldTakeWhatIsNotUnderstoodForNone() throws Exception {
        put("cpu.max", "x");
        for (String line : new String[] {"", "0", "0:", "::", "4:cpu", "0::" + "/a".repeat(2000)}) {
            assertEquals(UNLIMITED, cores(line), line);
        }
        assertEquals(
                UNLIMITED + "\n",
                NativeProgram.run(folder, "cpu_quota_of", "/nonexistent", "/nonexistent")
                        .expectSuccess()
                        .text());
    }

    private void put(String file, String text) throws Exception {
        Path path = folder.resolve("root").resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text + "\n");
    }

    private String cores(String membership) throws Exception {
        Path file = Files.writeString(folder.resolve("membership"), membership + "\n");
        return NativeProgram.run(
                        folder, "cpu_quota_of", file.toString(), folder.resolve("root").toString())
                .expectSuccess()
                .text()
                .strip();
    }
}
