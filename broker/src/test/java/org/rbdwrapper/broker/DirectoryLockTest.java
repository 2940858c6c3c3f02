package org.rbdwrapper.broker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.nio.file.Path;

class DirectoryLockTest {
    @TempDir Path temp;

    /** Takes the lock, says so, and sleeps. */
    static final class Holder {
        public static void main(String[] args) throws IOException, InterruptedException {
            DirectoryLock lock = DirectoryLockTest.acquire(Path.of(args[0]));
            System.out.println("locked " + (lock != null));
            Thread.sleep(600_000);
        }
    }

    @Test
    void shouldRefuseASecondBrokerOfThisProcessHoweverOftenItTries() throws ErrnoException {
        try (DirectoryLock held = acquire(temp)) {
            for (int i = 0; i < 3; i++) {
                ErrnoException refused = assertThrows(ErrnoException.class, () -> acquire(temp));
                assertEquals(Errno.EBUSY, refused.errno());
                assertTrue(refused.getMessage().contains(temp.toString()), refused.getMessage());
            }
            assertTrue(held != null);
        }
        acquire(temp).close();
    }

    @Test
    void shouldRefuseASecondBrokerAndLetItInWhenTheFirstIsKilled() throws Exception {
        try (ChildJvm child = ChildJvm.start(Holder.class, temp.toString())) {
            assertTrue(child.readLine().startsWith("locked"));
            ErrnoException refused = assertThrows(ErrnoException.class, () -> acquire(temp));
            assertEquals(Errno.EBUSY, refused.errno());
            assertTrue(
                    refused.getMessage().contains("(process " + child.pid() + ")"),
                    refused.getMessage());
            child.kill();
        }
        acquire(temp).close();
    }

    @Test
    void shouldSayWhichDirectoryCannotBeWritten() {
        Path missing = temp.resolve("missing");
        ErrnoException refused = assertThrows(ErrnoException.class, () -> acquire(missing));
        assertEquals(Errno.ENOENT, refused.errno());
        assertTrue(refused.getMessage().contains(missing.toString()), refused.getMessage());
    }

    private static DirectoryLock acquire(Path directory) throws ErrnoException {
        return DirectoryLock.acquire(directory, "state directory", "choose another");
    }
}
