package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.admin.MapRequest;

import java.util.Map;
import java.util.OptionalLong;

/** Mappings of an image in memory never show, in silence, what it does not hold any more. */
abstract class MappedMemoryContract extends PreloadFixture {
    /** Prints what each kind of mapping gives. */
    protected static final String KINDS =
            """
            python3 -c '
            import ctypes, errno, mmap, os, sys
            libc = ctypes.CDLL(None, use_errno=True)
            libc.mmap.restype = libc.syscall.restype = ctypes.c_long
            number = ctypes.c_long(9 if os.uname().machine == "x86_64" else 222)
            NONE, READ, WRITE, EXEC = 0, 1, 2, 4
            SHARED, PRIVATE, VALIDATE = 1, 2, 3
            for mode in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR):
                try:
                    fd = os.open(sys.argv[1], mode)
                except OSError as e:
                    print(mode, errno.errorcode[e.errno])
                    continue
                for protection in (NONE, READ, READ | WRITE, WRITE):
                    for kind in (SHARED, PRIVATE, VALIDATE):
                        given = []
                        for call in (libc.mmap, lambda *a: libc.syscall(number, *a)):
                            ctypes.set_errno(0)
                            at = call(None, ctypes.c_long(4096), ctypes.c_long(protection),
                                      ctypes.c_long(kind), ctypes.c_long(fd), ctypes.c_long(0))
                            given.append("ok" if at > 0 else errno.errorcode[ctypes.get_errno()])
                            if at > 0 and kind != PRIVATE:
                                more = libc.mprotect(ctypes.c_void_p(at), ctypes.c_long(4096), READ | WRITE)
                                given.append("writable" if more == 0 else "not writable")
                        print(mode, protection, kind, *given)
            ' $F
            """;

    @Test
    void shouldRefuseSharedMappingsOfWhatMayChange() throws Exception {
        requires("python3");
        Twins twins = twins("shared", MIB);
        MapRequest request =
                new MapRequest(
                        "shared",
                        "unwritable",
                        true,
                        OptionalLong.empty(),
                        OptionalLong.empty(),
                        0600,
                        "");
        String readOnly = admin().map(request);
        String plain =
                plainShell(Map.of("F", twins.file().toString()), KINDS).expectSuccess().text();
        // what a file gives, but for shared mappings; what it refuses comes first
        String expected = plain.replaceAll("(?m)( [13]) ok .*$", "$1 ENODEV ENODEV");
        assertEquals(expected, shell(Map.of("F", twins.path()), KINDS).expectSuccess().text());
        assertEquals(
                expected.lines()
                                .filter(line -> line.startsWith("0"))
                                .reduce("", (text, line) -> text + line + "\n")
                        + "1 EROFS\n2 EROFS\n",
                shell(Map.of("F", readOnly), KINDS).expectSuccess().text());
        admin().unmap(readOnly, false);
        twins.remove();
    }

    @Test
    void shouldServeProgramsThatMapWhatTheyCan() throws Exception {
        requires("git", "grep", "cp", "cmp", "python3");
        Twins twins = twins("fallback", 4 * MIB);
        for (String command :
                new String[] {
                    "git hash-object $F",
                    "git hash-object --no-filters --stdin < $F",
                    "grep -c a $F",
                    "cp $F $TMP_DIR/copy && cmp $F $TMP_DIR/copy && sha256sum < $TMP_DIR/copy",
                    "diff -q $F $TMP_DIR/copy; tail -c 100000 $F | cksum",
                    """
                    python3 -c '
                    import sqlite3, sys
                    for mapped in (0, 1 << 20):
                        base = sqlite3.connect("file:%s?nolock=1&vfs=unix-none" % sys.argv[1], uri=True)
                        base.execute("pragma mmap_size=%d" % mapped)
                        base.execute("pragma journal_mode=memory")
                        try:
                            base.execute("create table t%d (a)" % mapped)
                            base.executemany("insert into t%d values (?)" % mapped, [(i,) for i in range(2000)])
                            base.commit()
                            print(base.execute("select sum(a) from t%d" % mapped).fetchall())
                        except sqlite3.DatabaseError as e:
                            print(type(e).__name__)
                        base.close()
                    ' $F
                    """,
                }) {
            twins.expectSame(command);
        }
        twins.remove();
    }
}
