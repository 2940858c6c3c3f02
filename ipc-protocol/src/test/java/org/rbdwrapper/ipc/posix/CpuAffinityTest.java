package org.rbdwrapper.ipc.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.BitSet;

final class CpuAffinityTest {
    private static final int THIS_THREAD = 0;

    @Test
    void shouldMoveAThreadAndLetItGo() throws Exception {
        Thread thread =
                new Thread(
                        () -> {
                            try {
                                BitSet all = CpuAffinity.of(THIS_THREAD);
                                assertTrue(all.get(CpuAffinity.current()));
                                BitSet last = new BitSet();
                                last.set(all.length() - 1);
                                CpuAffinity.set(THIS_THREAD, last);
                                assertEquals(last, CpuAffinity.of(THIS_THREAD));
                                assertEquals(all.length() - 1, CpuAffinity.current());
                                CpuAffinity.set(THIS_THREAD, all);
                                assertEquals(all, CpuAffinity.of(THIS_THREAD));
                            } catch (ErrnoException e) {
                                throw new AssertionError(e);
                            }
                        });
        Throwable[] failure = new Throwable[1];
        thread.setUncaughtExceptionHandler((t, thrown) -> failure[0] = thrown);
        thread.start();
        thread.join();
        if (failure[0] != null) {
            throw new AssertionError(failure[0]);
        }
    }

    @Test
    void shouldSayThatNoneOfTheCoresMayBeUsed() {
        ErrnoException e =
                assertThrows(
                        ErrnoException.class, () -> CpuAffinity.set(THIS_THREAD, new BitSet()));
        assertEquals(Errno.EINVAL, e.errno());
    }

    @Test
    void shouldSayThatAThreadHasEnded() {
        ErrnoException e =
                assertThrows(ErrnoException.class, () -> CpuAffinity.of(Integer.MAX_VALUE));
        assertEquals(3, e.errno().number());
    }
}
