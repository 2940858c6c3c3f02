package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Addresses that are not there, cannot be written or belong to a mapping of a file that was cut,
 * and the program's own handlers of the signals of such addresses.
 */
abstract class BadPointersContract extends PreloadFixture {
    @Test
    void shouldTellBadPointersAsTheKernelDoesAndLeaveTheProgramItsHandlers() throws Exception {
        Twins twins = twins("bad-pointers", MIB);
        twins.expectSame(NativeProgram.FOLDER.resolve("bad_pointers") + " $F");
        twins.remove();
    }

    @Test
    void shouldTellBadPointersOfEveryCallOnDescriptorAsPlainFile() throws Exception {
        Twins twins = twins("every-bad-pointer", MIB);
        List<String> onFile = everyCall(Map.of("LD_PRELOAD", ""), twins.file().toString());
        List<String> onImage = everyCall(Map.of(), twins.path());
        assertEquals(onFile.size(), onImage.size());
        List<String> different =
                IntStream.range(0, onFile.size())
                        .filter(i -> !onFile.get(i).equals(onImage.get(i)))
                        .mapToObj(i -> onFile.get(i) + " but was " + onImage.get(i))
                        // the C library itself reads these before it asks the kernel
                        .filter(line -> !line.matches("futimes.*signal.*EFAULT"))
                        .toList();
        assertEquals(List.of(), different);
        assertTrue(onImage.stream().filter(line -> line.endsWith("EFAULT")).count() > 100);
        twins.remove();
    }

    private List<String> everyCall(Map<String, String> environment, String file) throws Exception {
        Path folder = Files.createDirectories(temporary.resolve("every-call"));
        return run(environment, "every_hook", LIBRARY.toString(), folder.toString(), file)
                .expectSuccess()
                .text()
                .lines()
                .toList();
    }
}
