package org.rbdwrapper.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.client.io.OperationGate;

import java.util.concurrent.atomic.AtomicReference;

/** That the file is held open until the end of a write and its flush, and let go once. */
@Timeout(30)
final class SyncedWriteTest {
    private final OperationGate gate = new OperationGate();
    private final AtomicReference<Pending> flush = new AtomicReference<>();

    private SyncedWrite begin() {
        assertTrue(gate.begin());
        return new SyncedWrite(null, gate, flush::set);
    }

    /** More ends than begins would have closed it. */
    private void assertLetGoOnce() {
        assertTrue(gate.isOpen());
        gate.close();
        gate.awaitIdle(() -> {});
    }

    @Test
    void shouldEndWithItsFlush() {
        SyncedWrite write = begin();
        write.onDone(512);
        assertFalse(write.isDone());
        flush.get().onDone(0);
        assertEquals(512, write.join());
        assertLetGoOnce();
    }

    @Test
    void shouldFailOnceWhereItsFlushCannotBegin() {
        assertTrue(gate.begin());
        SyncedWrite write =
                new SyncedWrite(
                        null,
                        gate,
                        flushed -> {
                            throw new OutOfMemoryError("for the flush");
                        });
        OutOfMemoryError thrown = assertThrows(OutOfMemoryError.class, () -> write.onDone(512));
        write.onFailed(thrown); // as the channel goes on
        write.onFailed(thrown);
        assertInstanceOf(OutOfMemoryError.class, write.exceptionNow());
        assertLetGoOnce();
    }

    @Test
    void shouldLetTheFileGoWhereItIsGivenUp() {
        SyncedWrite write = begin();
        assertTrue(write.cancel(true));
        write.onDone(512);
        assertEquals(null, flush.get());
        assertLetGoOnce();
    }

    @Test
    void shouldLetTheFileGoOnceWhereItIsGivenUpDuringItsFlush() {
        SyncedWrite write = begin();
        write.onDone(512);
        assertTrue(write.cancel(true));
        flush.get().onDone(0);
        assertLetGoOnce();
    }
}
