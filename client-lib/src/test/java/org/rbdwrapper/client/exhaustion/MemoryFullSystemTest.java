package org.rbdwrapper.client.exhaustion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A broker that gets no more memory: by its limit of addresses, as what one may take of a machine's
 * memory is not told beforehand but by the kernel ending somebody.
 */
final class MemoryFullSystemTest {
    private static final int MIB = 1024 * 1024;

    /** Room for one large segment, and not for its like. */
    private static final long LEFT = 24L * MIB;

    private RealBroker broker;
    private String image;

    @BeforeEach
    void start() throws Exception {
        broker = RealBroker.start("--store", "memory", "--max-messengers", "1");
        try (BrokerAdmin admin = broker.admin()) {
            image = broker.image(admin, "img", MIB);
        }
    }

    @AfterEach
    void stop() throws Exception {
        if (broker != null) {
            broker.close();
        }
    }

    @Test
    void shouldRefuseSessionForWhichThereIsNoMemoryAndServeTheOthers() throws Exception {
        List<Client> clients = new ArrayList<>();
        try (RbdFile file = RbdFile.openAt(broker.runDir(), image)) {
            Client.connect(broker.runDir(), 1, 64, MIB).close();
            int descriptors = broker.descriptors();
            broker.limit("--as=" + (broker.status("VmSize") * 1024 + LEFT) + ":");
            int refused = 0;
            for (int i = 0; i < 4; i++) {
                try {
                    clients.add(Client.connect(broker.runDir(), 1, 64, 16 * MIB));
                } catch (ErrnoException e) {
                    assertEquals(Errno.ENOMEM, e.errno(), e.what());
                    assertTrue(e.what().contains("mmap"), e.what());
                    refused++;
                }
            }
            assertTrue(refused >= 3, refused + " refusals");
            for (int i = 0; i < 100; i++) {
                file.write(ByteBuffer.allocate(4096), i);
                file.read(ByteBuffer.allocate(4096), i);
            }
            file.force();
            broker.limit("--as=unlimited:");
            for (int i = 0; i < 3; i++) {
                clients.add(Client.connect(broker.runDir(), 1, 64, 16 * MIB));
            }
            for (Client client : clients) {
                client.open(image);
                client.close();
            }
            clients.clear();
            assertTrue(awaitDescriptors(descriptors) <= descriptors, "descriptors are left");
        }
        assertTrue(broker.isAlive());
    }

    private int awaitDescriptors(int wanted) throws InterruptedException {
        int now = broker.descriptors();
        for (int i = 0; i < 500 && now > wanted; i++) {
            Thread.sleep(20);
            now = broker.descriptors();
        }
        return now;
    }
}
