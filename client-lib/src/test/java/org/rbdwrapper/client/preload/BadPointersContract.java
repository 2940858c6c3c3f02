package org.rbdwrapper.client.preload;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.nativelib.NativeProgram;

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
}
