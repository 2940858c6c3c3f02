package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Streams of C and of C++. */
abstract class StreamsContract extends PreloadFixture {
    private static final Path SOURCES = Path.of("src", "test", "c", "preload").toAbsolutePath();

    @Test
    void shouldServeStreamsOfC() throws Exception {
        Twins twins = twins("streams-c", MIB);
        String output = twins.expectSame(NativeProgram.FOLDER.resolve("streams") + " $F < $F");
        assertEquals("errno 17", output.lines().toList().getLast());
        twins.remove();
    }

    @Test
    void shouldServeWideStreamsOfC() throws Exception {
        Twins twins = twins("streams-wide", MIB);
        String output = twins.expectSame(NativeProgram.FOLDER.resolve("wide_streams") + " $F < $F");
        assertEquals("fputws: 1 ", output.lines().toList().getLast());
        twins.remove();
    }

    @Test
    void shouldServeProgramsThatUseWideStreams() throws Exception {
        requires("rev", "col");
        Twins twins = twins("streams-wide-programs", MIB);
        twins.expectSame(
                "(printf 'abc\\nd\\303\\251f\\n'; yes '\u00e4\u20ac' | head -c 1000000) | dd"
                        + " of=$F conv=notrunc iflag=fullblock bs=64k status=none; rev $F 2>&1 |"
                        + " head -100000 | sha256sum; rev < $F 2>&1 | head -1000; col < $F 2>&1 |"
                        + " head -1000");
        twins.remove();
    }

    @Test
    void shouldServeStreamsOfCxx() throws Exception {
        requires("c++");
        Path program = temporary.resolve("streams-cxx");
        plainShell(
                        Map.of(),
                        "c++ -std=c++17 -O2 -o " + program + " " + SOURCES.resolve("streams.cc"))
                .expectSuccess();
        Twins twins = twins("streams-cxx", MIB);
        String output = twins.expectSame(program + " $F < $F");
        assertEquals("and 42", output.lines().toList().getLast());
        twins.remove();
    }

    /** As libstdc++ does from version 13 on, for std::cin. */
    @Test
    void shouldServeLibraryThatKeepsStandardInputWhenItBegins() throws Exception {
        Files.writeString(
                temporary.resolve("keeps.c"),
                """
                #include <stdio.h>
                static FILE *kept;
                __attribute__((constructor)) static void keep(void) { kept = stdin; }
                int take(void) { return getc(kept); }
                """);
        Files.writeString(
                temporary.resolve("takes.c"),
                """
                #include <stdio.h>
                int take(void);
                int main(void) { for (int i = 0; i < 9; i++) printf("%d ", take()); return 0; }
                """);
        plainShell(
                        Map.of("D", temporary.toString()),
                        "cd $D && ${CC:-cc} -shared -fPIC -o libkeeps.so keeps.c && ${CC:-cc} -o"
                                + " takes takes.c -L. -lkeeps -Wl,-rpath,$D")
                .expectSuccess();
        Twins twins = twins("keeps-stdin", MIB);
        twins.expectSame(temporary.resolve("takes") + " < $F");
        twins.remove();
    }
}
