package org.rbdwrapper.client.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.List;

final class ReconnectTest {
    private static final long FOR_EVER = Long.MAX_VALUE / 2;

    @Test
    void shouldTakeSecondsWithAFraction() throws Exception {
        assertEquals(FOR_EVER, Reconnect.nanos(null));
        assertEquals(FOR_EVER, Reconnect.nanos(""));
        assertEquals(0, Reconnect.nanos("0"));
        assertEquals(500_000_000, Reconnect.nanos("0.5"));
        assertEquals(500_000_000, Reconnect.nanos(".5"));
        assertEquals(30_000_000_000L, Reconnect.nanos("30"));
        assertEquals(30_000_000_000L, Reconnect.nanos("30."));
        assertEquals(FOR_EVER, Reconnect.nanos("9".repeat(400)));
    }

    @Test
    void shouldRefuseWhatIsNoNumberOfSeconds() {
        for (String text :
                List.of(
                        "soon", "-1", "+1", "NaN", "inf", "1e3", "0x10", "1s", " 1", "1 ", ".",
                        "0,5", "1.2.3")) {
            ErrnoException refused =
                    assertThrows(ErrnoException.class, () -> Reconnect.nanos(text), text);
            assertEquals(Errno.EINVAL, refused.errno());
        }
    }
}
