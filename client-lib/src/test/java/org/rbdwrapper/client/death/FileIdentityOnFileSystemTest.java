package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.ipc.Errno;

import java.util.function.Predicate;

final class FileIdentityOnFileSystemTest extends FileIdentityContract {
    @Override
    BrokerProcess start() throws Exception {
        return BrokerProcess.startProgram(FaultyStoreBroker.class.getName());
    }

    /** The next broker opens it for one of its sessions and not for the other. */
    @Test
    void shouldBeLostAltogetherWhereOneSessionHasLostIt() throws Exception {
        try (RbdFile file = RbdFile.openAt(broker().runDir(), path())) {
            file.write(ones(), 0);
            file.writeAsync(ones(), 0).get();
            broker().kill();
            FaultyStoreBroker.refuseOpens(broker(), Errno.EIO, 1);
            broker().startAgain();
            Predicate<Use> isLost = use -> failure(use, file, null) != null;
            while (!isLost.test(Use.SYNCHRONOUS) && !isLost.test(Use.ASYNCHRONOUS)) {
                Thread.sleep(10); // the test's time limit ends a wait in vain
            }
            assertFails(Errno.EIO, Use.SYNCHRONOUS, file, null);
            assertFails(Errno.EIO, Use.ASYNCHRONOUS, file, null);
            assertThrows(Exception.class, () -> file.allocate(1));
        }
        try (RbdFile again = RbdFile.openAt(broker().runDir(), path());
                BrokerAdmin admin = broker().admin()) {
            assertEquals(LENGTH, again.write(ones(), 0));
            assertEquals(1, admin.clients().stream().mapToLong(client -> client.opens()).sum());
        }
    }
}
