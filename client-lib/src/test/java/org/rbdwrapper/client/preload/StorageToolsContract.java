package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** The tools that people have for disks and their images. */
abstract class StorageToolsContract extends PreloadFixture {
    /** What mkfs.xfs asks for at least. */
    private static final long XFS_SIZE = 320L * MIB;

    private static final String MAKE_DATABASE =
            "rm -f $D/db && sqlite3 $D/db 'create table t (a, b); with recursive n(i) as (select 1"
                    + " union all select i + 1 from n where i < 5000) insert into t select i,"
                    + " hex(randomblob(50)) from n;'";

    @ParameterizedTest
    @ValueSource(strings = {"psync", "sync", "vsync", "pvsync", "pvsync2"})
    void shouldVerifyWhatFioWrote(String engine) throws Exception {
        requires("fio");
        String path = image("fio-" + engine, 16 * MIB);
        String job =
                "fio --name=job --filename=$F --size=16M --verify=crc32c --verify_fatal=1"
                        + " --verify_state_save=0 --output-format=terse --ioengine="
                        + engine;
        shell(Map.of("F", path), job + " --rw=randrw --bs=4k").expectSuccess();
        shell(Map.of("F", path), job + " --rw=write --bs=256k").expectSuccess();
        shell(Map.of("F", path), job + " --rw=randwrite --bsrange=512-64k --thread --fsync=32")
                .expectSuccess();
        remove(path);
    }

    @Test
    void shouldConvertAndCompareByQemu() throws Exception {
        requires("qemu-img");
        Twins twins = twins("qemu", 32 * MIB);
        var f = Map.of("F", twins.path(), "D", temporary.toString(), "P", twins.file().toString());
        String info = shell(f, "qemu-img info --output=json $F").expectSuccess().text();
        assertTrue(info.contains("\"virtual-size\": 33554432"), info);
        assertTrue(info.contains("\"format\": \"raw\""), info);
        shell(f, "qemu-img compare -f raw -F raw $F $P").expectSuccess();
        shell(f, "qemu-img convert -f raw -O qcow2 -c $F $D/q && qemu-img compare -F raw $D/q $F")
                .expectSuccess();
        // from a sparse source onto what an image held before: its holes have to become zeroes
        plainShell(
                        f,
                        "truncate -s 32M $D/sparse"
                                + " && dd if=$P of=$D/sparse bs=1M seek=7 count=2 conv=notrunc"
                                + " && qemu-img convert -f raw -O qcow2 $D/sparse $D/sparse.q"
                                + " && qemu-img convert -f qcow2 -O raw $D/sparse.q $P")
                .expectSuccess();
        shell(f, "qemu-img convert -n -f qcow2 -O raw $D/sparse.q $F").expectSuccess();
        twins.expectSameBytes();
        shell(f, "qemu-img compare -F raw $D/sparse.q $F").expectSuccess();
        remove(twins.path());
    }

    @Test
    void shouldReadWriteZeroAndDiscardByQemu() throws Exception {
        requires("qemu-io");
        Twins twins = twins("qemu-io", 16 * MIB);
        String commands =
                " -c 'write -P 0x5a 1M 64k' -c 'read -P 0x5a 1M 64k' -c 'write -P 7 1234944 512' -c"
                    + " 'write -z 2M 1M' -c 'read -P 0 2M 1M' -c flush -c 'aio_write -P 3 5M 1M' -c"
                    + " 'aio_read -P 3 5M 1M' -c aio_flush -c 'writev -P 9 8M 4k 8k 512'";
        shell(Map.of("F", twins.path()), "qemu-io -f raw" + commands + " $F").expectSuccess();
        plainShell(Map.of("F", twins.file().toString()), "qemu-io -f raw" + commands + " $F")
                .expectSuccess();
        twins.expectSameBytes();
        shell(Map.of("F", twins.path()), "qemu-io -f raw -c 'discard 4M 8M' $F").expectSuccess();
        remove(twins.path());
    }

    @Test
    void shouldHoldExt4WithDatabase() throws Exception {
        requires("mkfs.ext4", "debugfs", "e2fsck", "sqlite3");
        String path = image("ext4", 64 * MIB);
        Map<String, String> f = Map.of("F", path, "D", temporary.toString());
        plainShell(f, MAKE_DATABASE).expectSuccess();
        shell(f, "mkfs.ext4 -q -F $F && e2fsck -f -n $F").expectSuccess();
        shell(f, "debugfs -w -R \"write $D/db db\" $F && e2fsck -f -n $F").expectSuccess();
        shell(f, "debugfs -R \"dump /db $D/back\" $F && cmp $D/db $D/back").expectSuccess();
        assertEquals(
                "ok\n5000\n",
                shell(f, "sqlite3 $D/back 'pragma integrity_check; select count(*) from t'")
                        .expectSuccess()
                        .text());
        // what the library wrote is a file system to those who read the image past it
        Files.write(temporary.resolve("ext4.img"), bytesOf(path));
        plainShell(
                        f,
                        "e2fsck -f -n $D/ext4.img && debugfs -R 'dump /db /dev/stdout' $D/ext4.img"
                                + " | cmp - $D/db")
                .expectSuccess();
        remove(path);
    }

    @Test
    void shouldHoldFileSystemMadeFromFolder() throws Exception {
        requires("mkfs.ext4", "e2fsck", "debugfs");
        String path = image("ext4-folder", 32 * MIB);
        Path folder = Files.createDirectories(temporary.resolve("folder"));
        Files.writeString(folder.resolve("page"), "hello\n");
        Map<String, String> f = Map.of("F", path, "D", folder.toString());
        shell(f, "mkfs.ext4 -q -d $D $F && e2fsck -f -n $F").expectSuccess();
        assertEquals("hello\n", shell(f, "debugfs -R 'cat page' $F").expectSuccess().text());
        remove(path);
    }

    @Test
    void shouldHoldXfs() throws Exception {
        requires("mkfs.xfs", "xfs_repair");
        String path = image("xfs", XFS_SIZE);
        Map<String, String> f = Map.of("F", path);
        shell(f, "mkfs.xfs -q -f $F && xfs_repair -n $F && xfs_repair $F").expectSuccess();
        assertTrue(shell(f, "xfs_db -c 'sb 0' -c 'p magicnum' $F").text().contains("0x58465342"));
        remove(path);
    }

    @Test
    void shouldHoldVfatWithDatabase() throws Exception {
        requires("mkfs.vfat", "mcopy", "sqlite3");
        String path = image("vfat", 32 * MIB);
        Map<String, String> f = Map.of("F", path, "D", temporary.toString());
        plainShell(f, MAKE_DATABASE).expectSuccess();
        shell(f, "mkfs.vfat $F && mcopy -i $F $D/db ::database.db && mdir -i $F ::")
                .expectSuccess();
        shell(f, "rm -f $D/back; mcopy -i $F ::database.db $D/back && cmp $D/db $D/back")
                .expectSuccess();
        shell(f, "mdel -i $F ::database.db && fsck.vfat -n $F").expectSuccess();
        remove(path);
    }

    @Test
    void shouldPartitionAndUsePartitions() throws Exception {
        requires("sfdisk", "mkfs.ext4", "mkfs.vfat", "mcopy", "e2fsck");
        String path = image("parts", 64 * MIB);
        Map<String, String> f = Map.of("F", path, "D", temporary.toString());
        shell(f, "printf 'label: gpt\\n,16M\\n,20M\\n,\\n' | sfdisk -q $F && sfdisk -V -q $F")
                .expectSuccess();
        assertEquals(
                "16777216\n20971520\n",
                shell(f, "stat -c %s $F-part1 $F-part2").expectSuccess().text());
        assertEquals(1, shell(f, "stat $F-part4").exitCode());
        shell(f, "mkfs.ext4 -q $F-part1 && e2fsck -f -n $F-part1").expectSuccess();
        shell(f, "mkfs.vfat $F-part2 && mcopy -i $F-part2 /etc/passwd ::passwd").expectSuccess();
        var full = shell(f, "dd if=/dev/zero of=$F-part3 bs=1M");
        assertTrue(full.errors().contains("No space left on device"), full.errors());
        shell(f, "e2fsck -f -n $F-part1 && mtype -i $F-part2 ::passwd | cmp - /etc/passwd")
                .expectSuccess();
        // where they are in the image, read past the library: the first begins at 1 MiB
        Files.write(temporary.resolve("parts.img"), bytesOf(path));
        plainShell(
                        f,
                        "dd if=$D/parts.img of=$D/part1 bs=1M skip=1 count=16 && e2fsck -f -n"
                                + " $D/part1 && mtype -i $D/parts.img@@17M ::passwd | cmp -"
                                + " /etc/passwd")
                .expectSuccess();
        remove(path);
    }

    @Test
    void shouldKnowLogicalPartitions() throws Exception {
        requires("sfdisk");
        String path = image("logical", 64 * MIB);
        Map<String, String> f = Map.of("F", path);
        shell(
                        f,
                        "printf 'label: dos\\n,8M\\n,8M\\n,,E\\n,4M\\n,5M\\n,6M\\n' | sfdisk -q $F"
                                + " && printf mark | dd of=$F-part6 bs=1 conv=notrunc status=none")
                .expectSuccess();
        assertEquals(
                "8388608\n8388608\n4194304\n5242880\n6291456\n",
                shell(f, "stat -c %s $F-part1 $F-part2 $F-part5 $F-part6 $F-part7")
                        .expectSuccess()
                        .text());
        String start =
                shell(f, "sfdisk --dump $F | sed -n 's/^[^ ]*6 *: start= *\\([0-9]*\\),.*/\\1/p'")
                        .expectSuccess()
                        .text()
                        .strip();
        int offset = Integer.parseInt(start) * 512;
        assertEquals("mark", new String(bytesOf(path), offset, 4, StandardCharsets.US_ASCII));
        remove(path);
    }
}
