package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.Map;

/** The programs of every day, and bash. */
abstract class CoreutilsContract extends PreloadFixture {

    @Test
    void shouldCopyByDdInBlocksOfAnySize() throws Exception {
        Twins twins = twins("dd-blocks", 32 * MIB);
        for (String size : new String[] {"512", "4K", "1000", "64K", "1M", "3M", "16M"}) {
            twins.expectSame("dd if=$F bs=" + size + " count=500 status=none | sha256sum");
        }
        twins.expectSame("dd if=$F bs=1000 skip=77 count=9 status=none | sha256sum");
        twins.expectSame("dd if=$F bs=1M skip=31 status=none | sha256sum");
        twins.expectSame("dd if=$F bs=1M iflag=skip_bytes,count_bytes skip=5 count=7 status=none");
        twins.remove();
    }

    @Test
    void shouldWriteByDd() throws Exception {
        Twins twins = twins("dd-write", 32 * MIB);
        String bytes = "yes 0123456789 | head -c 5000000 |";
        twins.expectSame(bytes + " dd of=$F bs=512 seek=9 conv=notrunc status=none");
        twins.expectSame(bytes + " dd of=$F bs=1M seek=20 iflag=fullblock conv=notrunc,fsync");
        twins.expectSame("dd if=$F of=$F bs=64K skip=3 seek=100 count=8 conv=notrunc status=none");
        twins.expectSame(
                "dd if=$F of=$F bs=1M skip=1 seek=2 count=3 conv=notrunc,fdatasync status=none");
        twins.remove();
    }

    @Test
    void shouldTransferPastCachesByDd() throws Exception {
        Twins twins = twins("dd-direct", 16 * MIB);
        shell(
                        Map.of("F", twins.path(), "OUT", twins.file() + ".out"),
                        "dd if=$F of=$OUT bs=1M iflag=direct status=none && cmp $F $OUT"
                                + " && dd if=$OUT of=$F bs=1M seek=2 count=3 oflag=direct,dsync"
                                + " conv=notrunc status=none")
                .expectSuccess();
        plainShell(
                        Map.of("F", twins.file().toString(), "OUT", twins.file() + ".out"),
                        "dd if=$OUT of=$F bs=1M seek=2 count=3 conv=notrunc status=none")
                .expectSuccess();
        twins.remove();
    }

    @Test
    void shouldLeaveSizeAndRestAloneWhenOpenedWithTruncation() throws Exception {
        Twins twins = twins("dd-trunc", 4 * MIB);
        shell(Map.of("F", twins.path()), "printf abc | dd of=$F status=none; truncate -s 1M $F")
                .expectSuccess();
        plainShell(
                        Map.of("F", twins.file().toString()),
                        "printf abc | dd of=$F conv=notrunc status=none")
                .expectSuccess();
        twins.remove();
    }

    @Test
    void shouldEndWithNoSpaceWhereImageEnds() throws Exception {
        String path = image("dd-end", 4 * MIB);
        var result = shell(Map.of("F", path), "dd if=/dev/zero of=$F bs=1M seek=2");
        assertEquals(1, result.exitCode());
        assertTrue(result.errors().contains("No space left on device"), result.errors());
        assertTrue(result.errors().contains("2097152 bytes"), result.errors());
        result = shell(Map.of("F", path), "echo more >> $F");
        assertTrue(result.errors().contains("No space left on device"), result.errors());
        result = shell(Map.of("F", path), "truncate -s 5M $F");
        assertTrue(result.errors().contains("No space left on device"), result.errors());
        remove(path);
    }

    @Test
    void shouldCopyAndCompare() throws Exception {
        Twins twins = twins("cp", 16 * MIB);
        twins.expectSame("cp $F $TMP_DIR/copy && cmp $F $TMP_DIR/copy && echo same");
        twins.expectSame(
                "cp --sparse=always $F $TMP_DIR/copy && cmp $F $TMP_DIR/copy && echo same");
        twins.expectSame(
                "tac $F | head -c 3000000 > $TMP_DIR/other; cmp $F $TMP_DIR/other | wc -w;"
                        + " cat $TMP_DIR/other | dd of=$F bs=1M conv=notrunc status=none");
        twins.expectSame("head -c 16777216 /dev/zero | tr '\\0' x > $TMP_DIR/x; cp $TMP_DIR/x $F");
        twins.remove();
    }

    @Test
    void shouldReadByProgramsOfEveryDay() throws Exception {
        Twins twins = twins("text", 8 * MIB);
        for (String command :
                new String[] {
                    "cat $F | sha256sum",
                    "sha256sum < $F",
                    "sha256sum $F",
                    "md5sum $F",
                    "cksum $F",
                    "head -c 1000 $F | od -c",
                    "head -n 3 $F | wc -c",
                    "tail -c 777 $F | sha256sum",
                    "tail -c +8388000 $F | sha256sum",
                    "tail -n 2 $F | sha256sum",
                    "wc -c $F",
                    "wc -l < $F",
                    "od -An -tx1 -j 4096 -N 64 $F",
                    "od -An -tx1 -N 64 < $F",
                    "split -b 3M $F $TMP_DIR/part- && cat $TMP_DIR/part-* | sha256sum",
                    "base64 $F | sha256sum",
                    "grep -c a $F",
                    "grep -a -o -b abc $F | head -n 3",
                    "sort $F | sha256sum",
                    "cmp -n 100 $F $F && echo same",
                    "gzip -c $F | gunzip | sha256sum",
                    "tr -d a < $F | sha256sum",
                    "stat -c '%s %F %h' $F",
                    "test -f $F && test -r $F && test -w $F && test -s $F && echo yes",
                    "realpath $F",
                    "readlink $F; echo $?",
                    "basename $F | wc -l",
                }) {
            twins.expectSame(command);
        }
        twins.remove();
    }

    @Test
    void shouldReadByHexdumpAndItsKin() throws Exception {
        requires("hexdump");
        Twins twins = twins("hexdump", MIB);
        twins.expectSame("hexdump -C -n 100 $F");
        twins.expectSame("hexdump -n 100 < $F");
        twins.expectSame("hexdump $F | sha256sum");
        twins.remove();
    }

    @Test
    void shouldArchiveByTar() throws Exception {
        Twins twins = twins("tar", 8 * MIB);
        twins.expectSame("tar -cf - --transform 's,.*,f,' $F 2>/dev/null | tar -xOf - | sha256sum");
        twins.expectSame(
                "cd $TMP_DIR && head -c 2000000 $F > a && tar -cf $F --mtime=@0 a && tar -tf $F &&"
                        + " tar -xOf $F | sha256sum && head -c 2001000 $F | wc -c");
        remove(twins.path());
    }

    @Test
    void shouldSharePositionBetweenCommandsOfOneRedirection() throws Exception {
        Twins twins = twins("position", 8 * MIB);
        twins.expectSame("cat < $F | sha256sum");
        twins.expectSame("(dd bs=1M count=1; dd bs=1M count=1) < $F 2>/dev/null | sha256sum");
        twins.expectSame("{ head -c 100 > /dev/null; cat; } < $F | sha256sum");
        twins.expectSame("{ head -n 2; wc -c; } < $F | sha256sum");
        twins.expectSame(
                "(dd bs=1000 count=3 & wait; dd bs=1000 count=3) < $F 2>/dev/null | cksum");
        twins.expectSame("(printf one; (printf two); printf three | cat) 1<>$F");
        twins.expectSame("{ echo a; dd if=/etc/passwd bs=10 count=1; echo b; } 2>/dev/null 1<>$F");
        twins.remove();
    }

    @Test
    void shouldServeBashWithAllItsRedirections() throws Exception {
        Twins twins = twins("bash", 4 * MIB);
        twins.expectSame(
                """
                set -e
                { echo first; printf 'second %d\n' 2; } 1<>$F
                exec 3<>$F
                read -u 3 one; read -u 3 two; echo "$one/$two"
                printf 'third\n' >&3
                exec 4<&3 5<$F
                head -c 6 <&5; read -N 5 six <&5; echo "$six"
                exec 3>&- 4<&-
                while read -r line; do echo "<$line>"; [ "$line" != third ] || break; done < $F
                mapfile -n 2 lines < $F; echo ${#lines[@]} "${lines[1]}"
                cat <(head -c 20 $F) | head -n 3
                head -n 1 $F | tee >(cat > /dev/null)
                x=$(head -n 2 $F); echo "$x"
                dd status=none bs=6 count=1 <&5 | od -c
                exec 5<&-
                (exec 6<$F; cat <&6 | head -c 3; head -c 3 <&6 | wc -c)
                cat 0<$F 2>&1 | head -n 1
                [[ -f $F && -s $F ]] && echo file
                """);
        twins.remove();
    }

    @Test
    void shouldFindImageByAnySpellingOfItsPath() throws Exception {
        Twins twins = twins("path", MIB);
        String sum = shell(Map.of("F", twins.path()), "sha256sum < $F").expectSuccess().text();
        for (String command :
                new String[] {
                    "sha256sum < //rbdw///path",
                    "sha256sum < /rbdw/./path",
                    "sha256sum < /rbdw/../rbdw/path",
                    "sha256sum < /tmp/../rbdw/path",
                    "sha256sum < /./rbdw/path",
                    "cd /rbdw && sha256sum < path",
                    "cd /rbdw && sha256sum < ./path",
                    "cd /rbdw && sha256sum < ../rbdw/path",
                    "cd / && sha256sum < rbdw/path",
                    "ln -sfn /rbdw/path $D/link && sha256sum < $D/link",
                    "ln -sfn link $D/link2 && sha256sum < $D/link2",
                    "ln -sfn /rbdw $D/dir && sha256sum < $D/dir/path",
                    "cd $D && sha256sum < link",
                    "cd $D && sha256sum < dir/path",
                    "cd $D/dir && sha256sum < path",
                    "exec 9<$F && sha256sum < /dev/fd/9",
                    "exec 9<$F && sha256sum < /proc/self/fd/9",
                }) {
            assertEquals(
                    sum,
                    shell(Map.of("F", twins.path(), "D", temporary.toString()), command)
                            .expectSuccess()
                            .text(),
                    command);
        }
        twins.remove();
    }

    @Test
    void shouldListImagesAsFolder() throws Exception {
        String one = image("folder-1", MIB);
        String two = image("folder-2", 2 * MIB);
        assertEquals(
                "folder-1\nfolder-2\n", shell("ls /rbdw | grep folder").expectSuccess().text());
        assertEquals(
                "1048576 /rbdw/folder-1\n2097152 /rbdw/folder-2\n",
                shell("find /rbdw -type f -name 'folder*' -printf '%s %p\\n' | sort")
                        .expectSuccess()
                        .text());
        assertEquals(
                "/rbdw/folder-1 /rbdw/folder-2\n",
                shell("echo /rbdw/folder*").expectSuccess().text());
        assertEquals("/rbdw\n", shell("cd /rbdw && ls >/dev/null && pwd -P").text());
        shell("ls -la /rbdw && ls -la /rbdw/.. > /dev/null").expectSuccess();
        assertEquals("/\n", shell("cd /rbdw && cd .. && pwd -P").expectSuccess().text());
        remove(one);
        remove(two);
    }

    @Test
    void shouldLeaveFilesOfHostAlone() throws Exception {
        assertEquals(
                plainShell(Map.of(), "cat /etc/passwd; ls -la /etc | head -n 50; echo $?").text(),
                shell("cat /etc/passwd; ls -la /etc | head -n 50; echo $?").text());
        assertEquals("1", shell("test -e /rbdwx; printf $?").text());
        shell("cd /rbdw && cat ../etc/passwd > /dev/null").expectSuccess();
    }

    @Test
    void shouldLockBetweenProcesses() throws Exception {
        requires("flock");
        String path = image("flock", MIB);
        assertEquals(
                "held\nfree\n",
                shell(
                                Map.of("F", path),
                                "flock $F -c 'flock -n $F -c \"echo free\" || echo held';"
                                        + " flock -n $F -c 'echo free'")
                        .text());
        remove(path);
    }
}
