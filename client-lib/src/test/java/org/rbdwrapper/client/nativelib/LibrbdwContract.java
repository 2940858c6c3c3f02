package org.rbdwrapper.client.nativelib;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.BrokerFixture;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.MapRequest;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;

/** What an image is to a C program, on each store: run by a subclass for each. */
abstract class LibrbdwContract extends BrokerFixture {

    @Test
    void shouldReadBackWhatWasWrittenInCAndInJava() throws Exception {
        String path = image("c-lengths", 32 * MIB);
        Random random = new Random(1);
        for (int length : new int[] {1, 511, 4096, 65_537, MIB, MIB + 1, 9 * MIB + 3}) {
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            int position = random.nextInt(32 * MIB - length);
            tool(bytes, "write", path, position).expectSuccess();
            assertArrayEquals(
                    bytes,
                    tool("read", path, position, length).expectSuccess().output(),
                    "length " + length);
            ByteBuffer inJava = ByteBuffer.allocate(length);
            try (RbdFile file = RbdFile.openAt(runDir(), path)) {
                file.read(inJava, position);
            }
            assertArrayEquals(bytes, inJava.array(), "length " + length);
        }
        remove(path);
    }

    @Test
    void shouldEndAsFileOfFixedSizeEnds() throws Exception {
        String path = image("c-end", MIB);
        tool(new byte[] {1, 2, 3, 4, 5, 6, 7, 8}, "write", path, MIB - 5)
                .expectFailure("write of 3 bytes at " + MIB + " of " + path, "ENOSPC");
        assertArrayEquals(
                new byte[] {1, 2, 3, 4, 5},
                tool("read", path, MIB - 5, 100).expectSuccess().output(),
                "the write across the end was short, and so is the read");
        assertEquals(0, tool("read", path, MIB, 1).expectSuccess().output().length);
        assertEquals(0, tool("read", path, Long.MAX_VALUE, 1).expectSuccess().output().length);
        assertEquals(0, tool("read", path, 0, 0).expectSuccess().output().length);
        tool("read", path, -1, 1).expectFailure(path, "offset -1", "EINVAL");
        tool("discard", path, 0, -1).expectFailure(path, "EINVAL");
        assertEquals(MIB + "\n", tool("size", path).expectSuccess().text());
        remove(path);
    }

    @Test
    void shouldZeroRangesWithoutSendingZeroes() throws Exception {
        String path = image("c-ranges", 16 * MIB);
        byte[] ones = new byte[16 * MIB];
        Arrays.fill(ones, (byte) 1);
        tool(ones, "write", path, 0).expectSuccess();
        tool("zero", path, 1000, 8 * MIB).expectSuccess();
        Arrays.fill(ones, 1000, 1000 + 8 * MIB, (byte) 0);
        tool("discard", path, 12 * MIB, 4 * MIB).expectSuccess();
        Arrays.fill(ones, 12 * MIB, 16 * MIB, (byte) 0);
        tool("discard", path, 100L * MIB, MIB).expectSuccess();
        tool("zero", path, 100L * MIB, MIB).expectFailure(path, "ENOSPC");
        assertArrayEquals(ones, tool("read", path, 0, 16 * MIB).expectSuccess().output());
        remove(path);
    }

    @Test
    void shouldFollowResize() throws Exception {
        String path = image("c-grow", MIB);
        assertEquals(MIB + "\n", tool("size", path).expectSuccess().text());
        admin().resize("c-grow", 3 * MIB, false, (done, total) -> {});
        assertEquals(3 * MIB + "\n", tool("size", path).expectSuccess().text());
        tool(new byte[100], "write", path, 2 * MIB).expectSuccess();
        remove(path);
    }

    @Test
    void shouldNameWhatCannotBeOpened() throws Exception {
        tool("size", "/rbdw/nowhere").expectFailure("/rbdw/nowhere", "ENOENT");
        tool("size", "/rbdw/a\nb").expectFailure("ENOENT");
        tool("size", "/rbdw/" + "x".repeat(5000)).expectFailure("ENAMETOOLONG");
    }

    @Test
    void shouldReadButNotWriteReadOnlyMapping() throws Exception {
        admin().create("c-read-only", MIB);
        String path =
                admin().map(
                                new MapRequest(
                                        "c-read-only",
                                        "",
                                        true,
                                        OptionalLong.empty(),
                                        OptionalLong.empty(),
                                        MapRequest.DEFAULT_MODE,
                                        ""));
        tool(new byte[1], "write", path, 0).expectFailure(path, "EROFS");
        assertEquals(100, tool("read", path, 0, 100).expectSuccess().output().length);
        tool("flush", path).expectSuccess();
        remove(path);
    }

    @Test
    void shouldServeChildThatUsesWhatItsParentOpened() throws Exception {
        scenario("fork");
    }

    @Test
    void shouldServeSignalHandlersThatInterruptReads() throws Exception {
        scenario("signals");
    }

    @Test
    void shouldServeHandlerThatInterruptsAThreadBeforeItWakesTheBroker() throws Exception {
        scenario("doorbell");
    }

    @Test
    void shouldServeMoreThreadsThanChannels() throws Exception {
        scenario("threads");
    }

    @Test
    void shouldTruncateAsAPlainFile() throws Exception {
        scenario("truncate");
    }

    @Test
    void shouldAgreeWithPlainFileUnderRandomLoadOfManyProcesses() throws Exception {
        int processes = 8;
        String path = image("c-model", 384L * MIB);
        String seed = Long.toString(ThreadLocalRandom.current().nextLong(1_000_000));
        List<NativeProgram> programs = new ArrayList<>();
        try {
            for (int i = 0; i < processes; i++) {
                programs.add(
                        NativeProgram.start(
                                runDir(),
                                new byte[0],
                                "rbdw_model",
                                path,
                                temporary.resolve("model").toString(),
                                seed,
                                "4",
                                Integer.toString(MODEL_SECONDS),
                                Integer.toString(i),
                                Integer.toString(processes)));
            }
            for (NativeProgram program : programs) {
                System.out.print(program.await().expectSuccess().text());
            }
        } finally {
            for (NativeProgram program : programs) {
                program.close();
            }
        }
        remove(path);
    }

    private void scenario(String name) throws Exception {
        String path = image("c-" + name, MIB);
        NativeProgram.run(runDir(), "rbdw_scenario", name, path).expectSuccess();
        remove(path);
    }

    private NativeProgram.Result tool(String command, String path, long... numbers)
            throws Exception {
        return tool(new byte[0], command, path, numbers);
    }

    private NativeProgram.Result tool(byte[] input, String command, String path, long... numbers)
            throws Exception {
        List<String> words = new ArrayList<>(List.of("rbdw_tool", command, path));
        for (long number : numbers) {
            words.add(Long.toString(number));
        }
        return NativeProgram.run(runDir(), input, words.toArray(String[]::new));
    }
}
