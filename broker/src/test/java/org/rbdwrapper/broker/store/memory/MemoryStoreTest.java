package org.rbdwrapper.broker.store.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.store.ImageIo;
import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.StoreContractTest;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;

import java.util.List;

class MemoryStoreTest extends StoreContractTest {
    @Override
    protected ImageStore openStore() {
        return new MemoryStore();
    }

    @Test
    void shouldHoldLargeImagesThatAreNotWritten() throws Exception {
        long size = 1L << 40;
        connection.create(spec("rbd/large"), size);
        try (StoreImage image = connection.open(spec("rbd/large"), false);
                ImageIo io = new ImageIo(image, 4096)) {
            assertEquals(4, io.write(size - 4, new byte[] {1, 2, 3, 4}));
            assertEquals(0, io.read(size / 2, 1)[0]);
            assertEquals(4, io.read(size - 1, 1)[0]);
        }
        refused(Errno.EFBIG, "huge", () -> connection.create(spec("rbd/huge"), 1L << 60));
        assertEquals(List.of("large"), connection.list("rbd", ""));
    }
}
