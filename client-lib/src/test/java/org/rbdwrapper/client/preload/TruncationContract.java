package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.death.PreloadedPython;

import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/**
 * Programs that truncate a file and skip what is to be zeroes, on images that held something
 * before: up to where a plain file ends the image is what that is, and behind it what it was.
 */
abstract class TruncationContract extends PreloadFixture {
    private static final int SIZE = 8 * MIB;
    private static final long SEED = Long.getLong("rbdw.model.seed", System.nanoTime());

    private Path sparse;

    /** Data, a hole, data, and a hole up to the end. */
    @BeforeEach
    void makeSparseFile() throws Exception {
        sparse = temporary.resolve("sparse");
        byte[] data = new byte[MIB + 100_000];
        new Random(5).nextBytes(data);
        try (RandomAccessFile file = new RandomAccessFile(sparse.toFile(), "rw")) {
            file.write(data, 0, 100_000);
            file.seek(3 * MIB + 4096);
            file.write(data);
            file.setLength(SIZE - 512 * 1024);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "cp $SPARSE $F",
                "cp --sparse=always $SPARSE $F",
                "cp --sparse=never $SPARSE $F",
                "dd if=$SPARSE of=$F bs=64K conv=sparse status=none",
                "dd if=$SPARSE of=$F bs=64K conv=sparse,fsync seek=3 status=none",
                "cat $SPARSE > $F",
                "printf x > $F",
                ": > $F; printf y >> $F.none; rm -f $F.none",
                "exec 3> $F; printf abc >&3; dd bs=1000 seek=5 count=1 if=$SPARSE status=none >&3",
                "{ head -c 1000 $SPARSE; dd bs=1 count=0 seek=777777 status=none; head -c 10"
                        + " $SPARSE; } > $F",
                "bash -c 'exec dd if=$SPARSE bs=64K conv=sparse status=none' > $F",
                "bash -c 'exec bash -c \"exec dd if=$SPARSE bs=4K conv=sparse status=none\"' > $F",
                "(sleep 0.3; dd if=$SPARSE bs=64K conv=sparse status=none) > $F & wait"
            })
    void shouldBeAsAPlainFileByProgramsOfEveryDay(String command) throws Exception {
        expectAsFile(command);
    }

    @ParameterizedTest
    @CsvSource({
        "zstd, zstd -q -f $SPARSE -o $TMP_DIR/z && zstd -q -d -f $TMP_DIR/z -o $F",
        "zstd, zstd -q -c $SPARSE | zstd -q -d -c --sparse > $F",
        "lz4, lz4 -q -f $SPARSE $TMP_DIR/l && lz4 -q -d -f $TMP_DIR/l $F",
        "rsync, rsync --inplace --sparse --size-only $SPARSE $F; true",
        "qemu-img, qemu-img convert -f raw -O raw $SPARSE $F",
        "qemu-img, qemu-img convert -t none -m 4 -W -f raw -O raw $SPARSE $F",
        "qemu-img, qemu-img create -q -f raw $F 5M",
        "e2image, test -f $TMP_DIR/fs || mkfs.ext4 -q -F $TMP_DIR/fs 4M > $TMP_DIR/o && e2image -ra"
                + " $TMP_DIR/fs $F",
        "partclone.ext4, test -f $TMP_DIR/fs || mkfs.ext4 -q -F $TMP_DIR/fs 4M > $TMP_DIR/o"
                + " && partclone.ext4 -q -L /dev/null -b -s $TMP_DIR/fs -o $F -O",
        "ddrescue, ddrescue -f -S -q $SPARSE $F",
        "nbdcopy, nbdcopy $SPARSE $F",
        "nbdcopy, nbdcopy --destination-is-zero $SPARSE $F",
        "qemu-img, qemu-img dd -f raw -O raw bs=64K if=$SPARSE of=$F"
    })
    void shouldBeAsAPlainFileByToolsForImages(String tool, String command) throws Exception {
        requires(tool, "mkfs.ext4");
        expectAsFile(command);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "f = open(F, 'wb'); f.seek(5000000); f.write(b'end'); f.close()",
                "f = open(F, 'r+b'); f.truncate(1000); f.seek(2000); f.write(b'x');"
                        + " f.truncate(5000)",
                "f = open(F, 'r+b'); f.truncate(0); f.seek(900000); f.truncate(); f.seek(900100);"
                        + " f.write(b'x')",
                "f = os.open(F, os.O_RDWR); os.ftruncate(f, 4096); os.truncate(F, 2048);"
                        + " os.pwrite(f, b'a', 3000)",
                "f = os.open(F, os.O_RDWR); g = os.open(F, os.O_RDWR | os.O_TRUNC);"
                        + " os.pwrite(f, b'acknowledged', 700000); os.pwrite(g, b'later', 2000000)",
                "f = open(F, 'wb'); os.posix_fallocate(f.fileno(), 100000, 100000)",
                "f = os.open(F, os.O_RDWR | os.O_TRUNC); os.pwrite(f, b'a', 1000); os.lseek(f, 0,"
                        + " 2); os.lseek(f, 0, 2); os.fstat(f); os.pwrite(f, b'b', 3000);"
                        + " os.lseek(f, 0, 2); os.lseek(f, 0, 2)",
                "f = os.open(F, os.O_WRONLY | os.O_TRUNC); p = os.fork()\nif p == 0:\n"
                        + " os.dup2(f, 1); os.execvp('dd', ['dd', 'bs=1000', 'seek=3', 'if=' + S,"
                        + " 'count=1', 'status=none'])\nos.waitpid(p, 0)",
                "f = os.open(F, os.O_RDWR | os.O_TRUNC); os.set_inheritable(f, True); os.write(f,"
                    + " b'head'); os.execvp('python3', ['python3', '-c', 'import os; os.lseek(%d,"
                    + " 3333333, 0); os.write(%d, b\"tail\")' % (f, f)])",
                "f = os.open(F, os.O_RDWR | os.O_TRUNC);"
                        + " p = os.fork(); p and os._exit(0);"
                        + " import time; time.sleep(0.5); os.pwrite(f, b'orphan', 4444444)"
            })
    void shouldBeAsAPlainFileByPython(String script) throws Exception {
        requires("python3");
        expectAsFile(
                "python3 -c \"import os, sys; F = os.environ['F']; S = os.environ['SPARSE']\n"
                        + script.replace("\"", "\\\"")
                        + "\" | cat");
    }

    private void expectAsFile(String command) throws Exception {
        byte[] before = new byte[SIZE];
        new Random(command.hashCode()).nextBytes(before);
        Path plain = temporary.resolve("plain");
        Files.write(plain, before);
        String path = image("truncated-" + System.nanoTime(), SIZE);
        fill(path, plain);
        Path scratch = Files.createDirectories(temporary.resolve("scratch"));
        Map<String, String> common =
                Map.of(
                        "SPARSE", sparse.toString(),
                        "TMP_DIR", scratch.toString());
        var onImage = shell(with(common, path), command);
        var onPlain = plainShell(with(common, plain.toString()), command);
        assertEquals(onPlain.exitCode(), onImage.exitCode(), onImage.errors() + onPlain.errors());
        assertEquals(onPlain.text(), onImage.text());
        byte[] expected = Files.readAllBytes(plain);
        byte[] held = bytesOf(path);
        long differs = Arrays.mismatch(expected, Arrays.copyOf(held, expected.length));
        assertEquals(-1, differs, "the first byte in which image and file differ");
        differs =
                Arrays.mismatch(
                        Arrays.copyOfRange(before, expected.length, SIZE),
                        Arrays.copyOfRange(held, expected.length, SIZE));
        assertEquals(-1, differs, "the first byte that changed behind the end");
        remove(path);
    }

    private static Map<String, String> with(Map<String, String> common, String file) {
        Map<String, String> all = new HashMap<>(common);
        all.put("F", file);
        return all;
    }

    @Test
    void shouldBeAsAPlainFileUnderRandomCalls() throws Exception {
        Twins twins = twins("truncation-model", 256 * 1024);
        run(
                        Map.of(),
                        "truncation",
                        twins.path(),
                        twins.file().toString(),
                        Integer.toString(MODEL_SECONDS),
                        Long.toString(SEED))
                .expectSuccess();
        remove(twins.path());
    }

    @Test
    void shouldTellTheSpaceThatAWriterHas() throws Exception {
        requires("python3");
        String path = image("space", SIZE);
        String script =
                """
                import os, sys
                f = os.open(sys.argv[1], os.O_RDWR)
                for s in (os.statvfs(sys.argv[1]), os.fstatvfs(f), os.statvfs('/rbdw')):
                    print(s.f_bavail * s.f_frsize, s.f_bfree == s.f_bavail)
                """;
        String[] lines =
                run(Map.of(), "/usr/bin/python3", "-c", script, path)
                        .expectSuccess()
                        .text()
                        .split("\n");
        assertEquals(SIZE + " True", lines[0]);
        assertEquals(SIZE + " True", lines[1]);
        assertTrue(Long.parseLong(lines[2].split(" ")[0]) >= SIZE, lines[2]);
        remove(path);
    }

    /** Two programs that write to places of their own, of which one has truncated the image. */
    @Test
    void shouldKeepEachAcknowledgedWriteOfOthers() throws Exception {
        int block = 3000;
        int count = 300;
        byte[] before = new byte[SIZE];
        new Random(1).nextBytes(before);
        Path plain = temporary.resolve("before");
        Files.write(plain, before);
        String path = image("two-writers", SIZE);
        fill(path, plain);
        String script =
                """
                import os, random, sys
                image = os.open(sys.argv[1], os.O_RDWR)
                print("open", flush=True)
                sys.stdin.readline()
                places = list(range(%d))
                random.shuffle(places)
                for place in places:
                    os.pwrite(image, bytes([1 + place %% 255]) * %d, place * 4 * %d)
                print("done", flush=True)
                """
                        .formatted(count, block, block);
        Process other = PreloadedPython.start(runDir(), script, path, Map.of());
        try (RbdFile file =
                RbdFile.openAt(
                        runDir(),
                        path,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.TRUNCATE_EXISTING)) {
            assertEquals("open", other.inputReader().readLine());
            other.outputWriter().write("\n");
            other.outputWriter().flush();
            byte[] content = new byte[block];
            for (int place = 0; place < count; place++) {
                Arrays.fill(content, (byte) 255);
                file.write(ByteBuffer.wrap(content), (place * 4L + 2) * block);
            }
            assertEquals("done", other.inputReader().readLine());
        } finally {
            other.destroyForcibly().waitFor();
        }
        byte[] expected = new byte[SIZE];
        for (int place = 0; place < count; place++) {
            int at = place * 4 * block;
            Arrays.fill(expected, at, at + block, (byte) (1 + place % 255));
            Arrays.fill(expected, at + 2 * block, at + 3 * block, (byte) 255);
        }
        int end = (count * 4 - 1) * block;
        System.arraycopy(before, end, expected, end, SIZE - end);
        assertArrayEquals(expected, bytesOf(path));
        remove(path);
    }

    @Test
    void shouldEndWithAPartition() throws Exception {
        requires("sfdisk");
        Twins twins = twins("partitions", SIZE);
        String label = "printf '2048,4096\\n6144,4096\\n' | sfdisk -q --no-reread $F";
        shell(Map.of("F", twins.path()), label).expectSuccess();
        byte[] before = bytesOf(twins.path());
        shell(
                        Map.of("F", twins.path()),
                        "exec 3> $F-part2 4> $F; printf whole >&4; exec 5> $F-part1;"
                                + " dd bs=1 seek=2097151 count=1 if=/dev/zero status=none >&5;"
                                + " dd bs=1 seek=9 count=1 if=/dev/zero status=none >&3")
                .expectSuccess();
        byte[] now = bytesOf(twins.path());
        byte[] expected = before.clone();
        System.arraycopy("whole".getBytes(UTF_8), 0, expected, 0, 5);
        // the whole image was truncated, too: what is skipped before a partition's write is zeroes
        Arrays.fill(expected, 5, 3 * MIB + 10, (byte) 0);
        assertArrayEquals(expected, now);
        remove(twins.path());
    }
}
