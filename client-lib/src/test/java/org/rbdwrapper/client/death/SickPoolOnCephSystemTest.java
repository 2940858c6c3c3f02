package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A pool whose placement groups take no I/O, since it wants more copies than there are disks: all
 * that is asked of it hangs, in librbd and in librados, until it wants fewer. Others are served as
 * before.
 */
@Timeout(1200)
final class SickPoolOnCephSystemTest extends SickClusterFixture {
    private static final int SECONDS = Integer.getInteger("rbdw.sick.seconds", 15);
    private static final int IMAGES = 6;
    private static final int LEAST_ROUNDS = 3;

    private final List<Process> programs = new ArrayList<>();

    @BeforeAll
    void makeTheOtherPool() throws Exception {
        cluster.ceph("osd", "pool", "create", "sickpool", "8");
        cluster.ceph("osd", "pool", "application", "enable", "sickpool", "rbd");
        String key = "client." + cluster.id();
        cluster.ceph("auth", "caps", key, "mon", "profile rbd", "osd", "profile rbd");
    }

    @BeforeEach
    void mapImagesOfTheOtherPool() throws Exception {
        for (int i = 0; i < IMAGES; i++) {
            admin.create("sickpool/s" + i, SIZE);
            admin.map(MapRequest.of("sickpool/s" + i));
        }
    }

    @AfterEach
    void endPrograms() throws Exception {
        heal();
        for (Process program : programs) {
            program.destroyForcibly().waitFor();
        }
    }

    @Test
    void shouldServeOtherPoolsAsBeforeWhileOneDoesNotAnswer() throws Exception {
        long[] before = new long[LEAST_ROUNDS];
        for (int i = 0; i < LEAST_ROUNDS; i++) {
            before[i] = round(i);
        }
        Process writer =
                start("dd", "if=/dev/zero", "of=/rbdw/s0", "bs=4k", "oflag=sync", "status=none");
        cluster.ceph("osd", "pool", "set", "sickpool", "size", "2");
        cluster.ceph("osd", "pool", "set", "sickpool", "min_size", "2");
        for (int i = 1; i < IMAGES; i++) {
            start("dd", "if=/rbdw/s" + i, "of=/dev/null", "bs=4k", "count=1", "status=none");
            for (int k = 0; k < 5; k++) {
                start("stat", "/rbdw/s" + i);
            }
        }
        List<Long> during = new ArrayList<>();
        long end = System.nanoTime() + SECONDS * 1_000_000_000L;
        while (System.nanoTime() < end || during.size() < LEAST_ROUNDS) {
            during.add(round(LEAST_ROUNDS + during.size()));
            assertTrue(writer.isAlive(), "it was to wait");
        }
        awaitLine("sickpool/s0: no answer from the store", 60);
        heal();
        awaitLine("sickpool/s0: what waited for the store was answered", 120);
        for (Process program : programs) {
            if (!program.equals(writer)) { // which has no end of its own
                assertEquals(0, program.waitFor(), "what waited is served");
            }
        }
        try (RbdFile file = RbdFile.openAt(broker.runDir(), "/rbdw/s1")) {
            assertEquals(1, file.write(ByteBuffer.allocate(1), 0));
        }
        writer.destroyForcibly().waitFor();
        assertEquals(1, linesWith("sickpool/s0: no answer from the store"), broker.output());
        assertEquals(1, linesWith("sickpool/s0: what waited"), broker.output());
        assertFalse(broker.output().contains(image + ": no answer"), broker.output());
        Arrays.sort(before);
        System.out.printf(
                "others' rounds: %d ms before; beside a sick pool for %d s: %d rounds, the middle"
                        + " %d ms, the longest %d ms%n",
                before[LEAST_ROUNDS / 2],
                SECONDS,
                during.size(),
                during.stream().sorted().toList().get(during.size() / 2),
                during.stream().max(Long::compare).orElseThrow());
    }

    /** All that others do; milliseconds. */
    private long round(int number) throws Exception {
        long began = System.nanoTime();
        byte[] written = {(byte) number};
        try (RbdFile file = open()) {
            assertEquals(1, file.write(ByteBuffer.wrap(written), number));
            file.force();
            ByteBuffer read = ByteBuffer.allocate(1);
            assertEquals(1, file.read(read, number));
            assertEquals(written[0], read.get(0));
        }
        Process stat = program("stat", "-c", "%s", path);
        String output = new String(stat.getInputStream().readAllBytes(), US_ASCII);
        assertEquals(0, stat.waitFor());
        assertEquals(SIZE + "\n", output);
        String more = "more-" + System.nanoTime();
        admin.create(more, SIZE);
        String morePath = admin.map(MapRequest.of(more));
        try (RbdFile file = RbdFile.openAt(broker.runDir(), morePath)) {
            assertEquals(1, file.write(ByteBuffer.wrap(written), 0));
        }
        admin.unmap(morePath, false);
        admin.remove(more, (done, total) -> {});
        return (System.nanoTime() - began) / 1_000_000;
    }

    private void heal() throws Exception {
        cluster.ceph("osd", "pool", "set", "sickpool", "min_size", "1");
    }

    private Process start(String... command) throws IOException {
        Process program = program(command);
        programs.add(program);
        return program;
    }

    private Process program(String... command) throws IOException {
        ProcessBuilder program = new ProcessBuilder(command);
        program.environment()
                .putAll(
                        Map.of(
                                "LD_PRELOAD",
                                NativeProgram.FOLDER.resolve("librbdwrapper.so").toString(),
                                "RBDW_RUN_DIR",
                                broker.runDir().toString()));
        return program.redirectErrorStream(true).start();
    }
}
