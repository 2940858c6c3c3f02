package org.rbdwrapper.broker.messenger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.store.memory.MemoryStore;
import org.rbdwrapper.ipc.ErrnoException;

final class MessengerPoolTest {
    private static final int LIMIT = 4;

    @Test
    void shouldGiveAllClientsTheFirstUnderAutoUntilThereIsAnother() throws ErrnoException {
        try (MessengerPool pool = pool(MessengerPolicy.AUTO)) {
            Messenger first = pool.assign();
            assertSame(first, pool.assign());
            assertSame(first, pool.assign());
            Messenger second = pool.grow();
            assertSame(second, pool.assign());
            assertSame(second, pool.assign());
            assertEquals(2, pool.size());
        }
    }

    @Test
    void shouldKeepWhatItAddedWhenLoadGoes() throws ErrnoException {
        try (MessengerPool pool = pool(MessengerPolicy.AUTO)) {
            Messenger first = pool.assign();
            pool.grow();
            Messenger second = pool.assign();
            pool.release(second);
            pool.release(first);
            assertEquals(2, pool.size());
            assertSame(first, pool.assign());
            assertSame(second, pool.assign());
        }
    }

    @Test
    void shouldStartOneForEachClientUpToTheLimit() throws ErrnoException {
        try (MessengerPool pool = pool(MessengerPolicy.PER_CLIENT)) {
            for (int i = 0; i < LIMIT; i++) {
                assertEquals(i, pool.assign().index());
            }
            assertEquals(0, pool.assign().index());
            assertEquals(LIMIT, pool.size());
        }
    }

    @Test
    void shouldReadEachPolicyThatItPrints() {
        for (String policy : new String[] {"per-client", "per-image", "shared:7", "auto"}) {
            assertEquals(policy, MessengerPolicy.parse(policy).toString());
        }
        assertThrows(IllegalArgumentException.class, () -> MessengerPolicy.parse("auto:2"));
    }

    private static MessengerPool pool(MessengerPolicy policy) {
        return new MessengerPool(new MemoryStore(), policy, LIMIT);
    }
}
