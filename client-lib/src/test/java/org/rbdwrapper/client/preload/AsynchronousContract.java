package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.util.Map;

/** Programs whose I/O is asynchronous: Linux' io_submit and POSIX' aio_read. */
abstract class AsynchronousContract extends PreloadFixture {
    private static final int SIZE = 8 * MIB;

    @ParameterizedTest
    @ValueSource(strings = {"linux_aio", "posix_aio fork"})
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
}
