package org.rbdwrapper.broker.map;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.broker.ChildJvm;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.nio.file.Path;

class StateDirLockTest {
    @TempDir Path temp;

    /** Takes the lock, says so, and sleeps. */
    static final class Holder {
        public static void main(String[] args) throws IOException, InterruptedException {
            StateDirLock lock = StateDirLock.acquire(Path.of(args[0]));
            System.out.println("locked " + (lock != null));
            Thread.sleep(600_000);
        }
    }

    @Test
    void shouldRefuseASecondBrokerOfThisProcessHoweverOftenItTries() throws ErrnoException {
        try (StateDirLock held = StateDirLock.acquire(temp)) {
            for (int i = 0; i < 3; i++) {
                ErrnoException refused =
                        assertThrows(ErrnoException.class, () -> StateDirLock.acquire(temp));
                assertEquals(Errno.EBUSY, refused.errno());
                assertTrue(refused.getMessage().contains(temp.toString()), refused.getMessage());
            }
            assertTrue(held != null);
        }
        StateDirLock.acquire(temp).close();
    }

    @Test
    void shouldRefuseASecondBrokerAndLetItInWhenTheFirstIsKilled() throws Exception {
        try (ChildJvm child = ChildJvm.start(Holder.class, temp.toString())) {
            assertTrue(child.readLine().startsWith("locked"));
            ErrnoException refused =
                    assertThrows(ErrnoException.class, () -> StateDirLock.acquire(temp));
            assertEquals(Errno.EBUSY, refused.errno());
            assertTrue(
                    refused.getMessage().contains("(process " + child.pid() + ")"),
                    refused.getMessage());
            child.kill();
        }
        StateDirLock.acquire(temp).close();
    }

    @Test
    void shouldSayWhichDirectoryCannotBeWritten() {
        Path missing = temp.resolve("missing");
        ErrnoException refused =
                assertThrows(ErrnoException.class, () -> StateDirLock.acquire(missing));
        assertEquals(Errno.ENOENT, refused.errno());
        assertTrue(refused.getMessage().contains(missing.toString()), refused.getMessage());
    }
}
