package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Languages' own ways to files, and programs that fork and make threads. */
abstract class InterpretersContract extends PreloadFixture {
    private static final Path PROGRAMS = Path.of("src", "test", "programs").toAbsolutePath();

    /** More with -Drbdw.threads. */
    private static final String FORKS = System.getProperty("rbdw.forks", "50");

    private static final String THREADS = System.getProperty("rbdw.threads", "20000");

    @Test
    void shouldServePython() throws Exception {
        requires("python3");
        Twins twins = twins("python", 4 * MIB);
        twins.expectSame("python3 " + PROGRAMS.resolve("python_files.py") + " $F $TMP_DIR");
        twins.remove();
    }

    @Test
    void shouldLockRecordsBetweenProcesses() throws Exception {
        requires("python3");
        Twins twins = twins("locks", MIB);
        twins.expectSame("python3 " + PROGRAMS.resolve("python_locks.py") + " $F");
        twins.remove();
    }

    @Test
    void shouldServePerl() throws Exception {
        requires("perl");
        Twins twins = twins("perl", 4 * MIB);
        twins.expectSame(
                """
                perl -MDigest::MD5=md5_hex -e '
                    open(my $f, "+<:raw", $ENV{F}) or die $!;
                    read($f, my $a, 100000); print md5_hex($a), " ", tell($f), "\\n";
                    seek($f, 500000, 0); print $f "perl" x 20000;
                    seek($f, 500001, 0); sysseek($f, 499990, 0); sysread($f, my $b, 90000);
                    print md5_hex($b), "\\n";
                    sysseek($f, 1000, 0); print syswrite($f, "x" x 3000), "\\n";
                    seek($f, -100, 2); print scalar(<$f>) // "", eof($f) ? "eof" : "", "\\n";
                    print -s $ENV{F}, -f $ENV{F} ? "file" : "", "\\n";
                    close($f);
                    open(STDIN, "<", $ENV{F}); my $line = <STDIN>; print md5_hex($line), "\\n";
                    print "fork: ", md5_hex(`head -c 5000 < $ENV{F}`), "\\n";
                '
                """);
        twins.remove();
    }

    @ParameterizedTest
    @ValueSource(ints = {17, 25})
    void shouldServeJava(int version) throws Exception {
        String java = findJava(version);
        assumeTrue(java != null, () -> "no JDK " + version + " in /usr/lib/jvm");
        Twins twins = twins("java-" + version, 4 * MIB);
        twins.expectSame(java + " " + PROGRAMS.resolve("JavaFiles.java") + " $F $TMP_DIR");
        twins.remove();
    }

    @Test
    void shouldServeServerThatForksWorkers() throws Exception {
        Twins twins = twins("fork", 4 * MIB);
        run(Map.of(), "fork_server", twins.path()).expectSuccess();
        run(Map.of("LD_PRELOAD", ""), "fork_server", twins.file().toString()).expectSuccess();
        twins.remove();
    }

    @ParameterizedTest
    @ValueSource(strings = {"open", "kernel", "posix"})
    void shouldServeChildOfAForkBesideThreadsThatBegin(String way) throws Exception {
        String path = image("fork-beside", MIB);
        run(Map.of(), "fork_beside", path, way, FORKS).expectSuccess();
        remove(path);
    }

    @Test
    void shouldServeThreadsThatComeAndGo() throws Exception {
        String path = image("threads-churn", MIB);
        run(Map.of(), "thread_churn", path, THREADS).expectSuccess();
        remove(path);
    }

    private static String findJava(int version) throws IOException {
        try (Stream<Path> homes = Files.list(Path.of("/usr/lib/jvm"))) {
            for (Path home : homes.toList()) {
                Path release = home.resolve("release");
                List<String> lines =
                        Files.isReadable(release) ? Files.readAllLines(release) : List.of();
                if (lines.stream().anyMatch(line -> line.startsWith("JAVA_VERSION=\"" + version))) {
                    return home.resolve("bin/java").toString();
                }
            }
        }
        return null;
    }
}
