package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.util.Map;

/** Programs whose I/O is asynchronous: Linux' io_submit and POSIX' aio_read. */
abstract class AsynchronousContract extends PreloadFixture {
    private static final int SIZE = 8 * MIB;

    @ParameterizedTest
    @ValueSource(strings = {"linux_aio", "aio_ring_reader", "posix_aio fork"})
    void shouldDoOnImageWhatItDoesOnPlainFile(String program) throws Exception {
        String name = program.split(" ")[0];
        String[] more = program.contains(" ") ? new String[] {"fork"} : new String[0];
        Path plain = randomFile(name + ".plain", SIZE, 1);
        Path other = randomFile(name + ".other", SIZE, 2);
        String path = image(name.replace('_', '-'), SIZE);
        expectOk(Map.of("LD_PRELOAD", ""), name, plain.toString(), other.toString());
        expectOk(Map.of(), name, plain.toString(), other.toString());
        String[] command = new String[3 + more.length];
        command[0] = name;
        command[1] = path;
        command[2] = other.toString();
        System.arraycopy(more, 0, command, 3, more.length);
        expectOk(Map.of(), command);
        remove(path); // nothing has it open
    }

    private void expectOk(Map<String, String> environment, String... command) throws Exception {
        assertEquals("ok\n", run(environment, command).expectSuccess().text());
    }

    @ParameterizedTest
    @CsvSource({
        "libaio, 1, 4k",
        "libaio, 16, 64k",
        "libaio, 64, 4k",
        "libaio, 64, 1m",
        "posixaio, 1, 4k",
        "posixaio, 16, 64k",
        "posixaio, 64, 4k",
        "posixaio, 64, 1m"
    })
    void shouldVerifyWhatFioWrote(String engine, int depth, String block) throws Exception {
        requires("fio");
        String path = image("fio", 32L * MIB);
        String job =
                "fio --name=job --filename=$F --size=16M --verify=crc32c --verify_fatal=1"
                    + " --verify_state_save=0 --output-format=terse --direct=1 --ioengine=$ENGINE"
                    + " --iodepth=$DEPTH --bs=$BLOCK";
        var f = Map.of("F", path, "ENGINE", engine, "DEPTH", "" + depth, "BLOCK", block);
        shell(f, job + " --rw=randwrite").expectSuccess();
        shell(f, job + " --rw=randwrite --numjobs=2 --offset_increment=16M").expectSuccess();
        shell(f, job + " --rw=randwrite --numjobs=2 --offset_increment=16M --thread --fsync=32")
                .expectSuccess();
        remove(path);
    }

    /** It polls memory, and makes no call to wait by. */
    @ParameterizedTest
    @CsvSource({"image, 1", "image, 32", "image and file, 1", "image and file, 32"})
    void shouldVerifyWhatFioWroteThatReapsInMemory(String files, int depth) throws Exception {
        requires("fio");
        String path = image("fio-memory", 16L * MIB);
        Path other = randomFile("fio-memory.other", 16L * MIB, 3);
        String names = files.equals("image") ? path : other + ":" + path;
        shell(
                        Map.of("F", names, "DEPTH", "" + depth),
                        "fio --name=job --filename=$F --size=8M --filesize=8M --rw=randwrite"
                            + " --bs=16k --verify=crc32c --verify_fatal=1 --verify_state_save=0"
                            + " --output-format=terse --direct=1 --ioengine=libaio --iodepth=$DEPTH"
                            + " --userspace_reap=1 --iodepth_batch_complete_min=0")
                .expectSuccess();
        remove(path);
    }

    @Test
    void shouldServeQemuWithNativeAsynchronousReadsAndWrites() throws Exception {
        requires("qemu-io");
        Twins twins = twins("qemu-native", 16 * MIB);
        String command =
                "qemu-io -n -t none -f raw -c 'write -P 0x5a 1M 64k' -c 'read -P 0x5a 1M 64k' -c"
                    + " 'aio_write -P 3 5M 1M' -c 'aio_write -P 4 6M 512' -c 'aio_read 0 2M' -c"
                    + " aio_flush -c 'read -P 3 5M 1M' -c 'writev -P 9 8M 4k 8k 512' -c flush $F";
        shell(Map.of("F", twins.path()), command).expectSuccess();
        plainShell(Map.of("F", twins.file().toString()), command).expectSuccess();
        twins.expectSameBytes();
        for (String more : new String[] {"-d 1 -c 200", "-d 64 -c 2000", "-d 16 -c 500 -s 256k"}) {
            String bench =
                    "qemu-img bench -n -t none -f raw -w --pattern=7 " + more + " $F > /dev/null";
            shell(Map.of("F", twins.path()), bench).expectSuccess();
            plainShell(Map.of("F", twins.file().toString()), bench).expectSuccess();
            twins.expectSameBytes();
        }
        twins.remove();
    }

    @Test
    void shouldServeQemuNbdWithNativeAsynchronousReadsAndWrites() throws Exception {
        requires("qemu-nbd", "qemu-io");
        Twins twins = twins("qemu-nbd", 16 * MIB);
        String commands =
                " -c 'write -P 1 0 1M' -c 'aio_write -P 2 3M 64k' -c 'aio_read 1M 1M' -c aio_flush"
                        + " -c 'read -P 2 3M 64k' -c flush";
        shell(
                        Map.of("F", twins.path(), "D", temporary.toString(), "COMMANDS", commands),
                        "qemu-nbd -k $D/nbd -f raw --aio=native --cache=none $F & server=$!;"
                                + " until [ -S $D/nbd ]; do kill -0 $server || exit 9; done;"
                                + " eval qemu-io -f raw \"$COMMANDS\" 'nbd+unix:///?socket=$D/nbd'"
                                + " && wait $server")
                .expectSuccess();
        plainShell(Map.of("F", twins.file().toString()), "qemu-io -f raw" + commands + " $F")
                .expectSuccess();
        twins.remove();
    }

    @Test
    void shouldLeaveNothingOfProgramThatEndsWithRequestsUnderWay() throws Exception {
        Path other = randomFile("leave.other", SIZE, 2);
        String path = image("leave", SIZE);
        for (int i = 0; i < 5; i++) {
            run(Map.of(), "aio_ring_reader", path, other.toString(), "leave").expectSuccess();
        }
        remove(path); // nothing has it open
    }
}
