package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Programs that use no image do as without the library, whatever else they are or have loaded. */
final class BystanderSystemTest extends PreloadFixture {
    private static final int MAX_SHOWN = 20;

    @Override
    protected String store() {
        return "memory";
    }

    /** All names of all hooks: the program fails where it does not know one of them. */
    @Test
    void shouldAnswerEachCallAsTheKernelWhateverItsPointers() throws Exception {
        List<String> expected = everyHook(Map.of("LD_PRELOAD", ""));
        List<String> seen = everyHook(Map.of());
        assertEquals(expected.size(), seen.size());
        List<String> different =
                java.util.stream.IntStream.range(0, expected.size())
                        .filter(i -> !expected.get(i).equals(seen.get(i)))
                        .limit(MAX_SHOWN)
                        .mapToObj(i -> expected.get(i) + " but was " + seen.get(i))
                        .toList();
        assertEquals(List.of(), different);
        assertTrue(expected.stream().anyMatch(line -> line.endsWith("EFAULT")));
        assertTrue(expected.stream().noneMatch(line -> line.endsWith("signal 14")));
    }

    private List<String> everyHook(Map<String, String> environment) throws Exception {
        Path folder = Files.createDirectories(temporary.resolve("every-hook"));
        return run(environment, "every_hook", LIBRARY.toString(), folder.toString())
                .expectSuccess()
                .text()
                .lines()
                .toList();
    }

    /** Each in both orders: what is loaded first gets the other one's calls. */
    @ParameterizedTest
    @CsvSource({
        "libjemalloc.so.2",
        "libtcmalloc.so.4",
        "libtcmalloc_minimal.so.4",
        "libmimalloc.so.2",
        "faketime/libfaketime.so.1",
        "libeatmydata.so",
        "libfakeroot/libfakeroot-sysv.so",
        "libproxychains.so.4",
    })
    void shouldLiveWithOtherPreloadedLibraries(String name) throws Exception {
        Optional<Path> found = multiarch(name);
        assumeTrue(found.isPresent(), () -> name + " is not installed");
        String path = image("beside-others", MIB);
        for (String order :
                List.of(LIBRARY + " " + found.get(), found.get() + " " + LIBRARY.toString())) {
            Map<String, String> environment = Map.of("LD_PRELOAD", order);
            run(environment, "/bin/true").expectSuccess();
            var result =
                    shell(
                            environment,
                            "ls -ld / && stat -L /proc/self/exe && perl -e 'print -s \"/etc\","
                                    + " \"\\n"
                                    + "\"' && wc -c < "
                                    + path
                                    + " && for i in 1 2 3; do cat "
                                    + path
                                    + " | wc -c & done; wait");
            assertEquals(
                    4,
                    result.expectSuccess().text().lines().filter((MIB + "")::equals).count(),
                    order);
        }
        remove(path);
    }

    @ParameterizedTest
    @ValueSource(strings = {"libjemalloc.so.2", "libtcmalloc.so.4", "libmimalloc.so.2"})
    void shouldLiveWithLinkedAllocators(String name) throws Exception {
        Optional<Path> found = multiarch(name);
        assumeTrue(found.isPresent(), () -> name + " is not installed");
        Path program = temporary.resolve("linked-" + name);
        compile(
                program,
                """
                #include <stdio.h>
                #include <stdlib.h>
                int main(int count, char **names) {
                    FILE *file = fopen(names[1], "r");
                    char *bytes = malloc(100);
                    printf("%d %zu\\n", count, fread(bytes, 1, 100, file));
                    free(bytes);
                    return fclose(file);
                }
                """,
                "-Wl,--no-as-needed " + found.get());
        String path = image("linked", MIB);
        assertEquals("2 100\n", run(Map.of(), program.toString(), path).expectSuccess().text());
        remove(path);
    }

    /** Calls that are made before anybody's constructor, and in constructors. */
    @Test
    void shouldServeProgramsThatBeginBeforeMain() throws Exception {
        Path program = temporary.resolve("early");
        String source =
                """
                #include <dirent.h>
                #include <fcntl.h>
                #include <stdio.h>
                #include <sys/stat.h>
                #include <unistd.h>
                static int seen;
                static void look(void) {
                    struct stat status;
                    int fd = open("/etc/passwd", O_RDONLY);
                    DIR *directory = opendir("/");
                    seen += fd >= 0 && fstat(fd, &status) == 0 && stat("/", &status) == 0;
                    seen += directory != NULL && readdir(directory) != NULL;
                    closedir(directory);
                    close(fd);
                }
                __attribute__((section(".preinit_array"), used)) static void (*first)(void) = look;
                __attribute__((constructor)) static void second(void) { look(); }
                int main(void) { look(); printf("%d\\n", seen); return 0; }
                """;
        compile(program, source, "");
        assertEquals("6\n", run(Map.of(), program.toString()).expectSuccess().text());
        Path still = temporary.resolve("static");
        compile(still, source.replace(".preinit_array", ".init_array"), "-static-pie");
        assertEquals("6\n", run(Map.of(), still.toString()).expectSuccess().text());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "rg -c root /etc/passwd",
                "fdfind . /etc/apt -d1",
                "node -e 'console.log(require(\"fs\").statSync(\"/etc\").mode)'",
                "python3 -c 'import os; print(os.stat(\"/etc\").st_mode, os.listdir(\"/\") != [])'",
                "perl -e 'print -d \"/etc\", -e \"/none\"'",
                "valgrind -q /bin/true",
                "stdbuf -oL ls /etc/passwd",
                "java -version",
                "su --version",
            })
    void shouldNotChangeWhatProgramsDo(String command) throws Exception {
        requires(command.substring(0, command.indexOf(' ')));
        var expected = plainShell(Map.of(), command);
        var result = shell(command);
        assertEquals(expected.text(), result.text(), result.errors());
        assertEquals(expected.exitCode(), result.exitCode(), result.errors());
    }

    private static Optional<Path> multiarch(String name) {
        return List.of("x86_64-linux-gnu", "aarch64-linux-gnu").stream()
                .map(triplet -> Path.of("/usr/lib", triplet, name))
                .filter(Files::exists)
                .findFirst();
    }

    private void compile(Path program, String source, String more) throws Exception {
        Path file = temporary.resolve(program.getFileName() + ".c");
        Files.writeString(file, source);
        plainShell(Map.of(), "${CC:-cc} -o " + program + " " + file + " " + more).expectSuccess();
    }
}
