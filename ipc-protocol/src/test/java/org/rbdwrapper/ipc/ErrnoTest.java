package org.rbdwrapper.ipc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

import java.nio.file.NoSuchFileException;

final class ErrnoTest {
    @Test
    void shouldKnowNumbersOfEitherSign() {
        assertSame(Errno.ENOENT, Errno.of(2));
        assertSame(Errno.ENOENT, Errno.of(-2));
        assertEquals("ESHUTDOWN", Errno.of(-108).symbol());
    }

    @Test
    void shouldKeepNumbersThatItDoesNotKnow() {
        Errno unknown = Errno.of(-1234);
        assertEquals(1234, unknown.number());
        assertEquals("errno 1234", unknown.symbol());
        assertEquals(unknown, Errno.of(1234));
        assertThrows(IllegalArgumentException.class, () -> Errno.of(0));
    }

    @Test
    void shouldBecomeTheExceptionThatProgramsExpectAndKeepTheNumber() {
        for (int number = 1; number < 134; number++) {
            ErrnoException failure = new ErrnoException(Errno.of(number), "open /rbdw/x");
            assertEquals(number, IoErrors.errno(IoErrors.exception(failure, "/rbdw/x")).number());
        }
        ErrnoException missing = new ErrnoException(Errno.ENOENT, "open /rbdw/x");
        assertInstanceOf(NoSuchFileException.class, IoErrors.exception(missing, "/rbdw/x"));
        assertEquals("open /rbdw/x: no such file or directory (ENOENT)", missing.getMessage());
    }
}
