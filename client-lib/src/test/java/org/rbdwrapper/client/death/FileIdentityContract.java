package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.client.RbdBuffer;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.client.admin.MappingInfo;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.IoErrors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * An open file is one image, however it is used: its first operation of a kind does not go to
 * another image that has its name by then, and what is lost to one kind of use is lost to all.
 */
@Timeout(120)
abstract class FileIdentityContract {
    private static final int SIZE = 1 << 20;
    static final int LENGTH = 64 * 1024;

    private final String name = "identity-" + System.nanoTime();
    private final String otherName = name + "-other";
    private final String holderName = name + "-holder";

    private BrokerProcess broker;
    private String path;

    /** Each writes {@link #LENGTH} ones to the start of the image, by a session of its own. */
    enum Use {
        SYNCHRONOUS {
            @Override
            void write(RbdFile file, RbdBuffer shared) throws Exception {
                file.write(ones(), 0);
            }
        },
        ASYNCHRONOUS {
            @Override
            void write(RbdFile file, RbdBuffer shared) throws Exception {
                file.writeAsync(ones(), 0).get(60, TimeUnit.SECONDS);
            }
        },
        IN_PLACE {
            @Override
            void write(RbdFile file, RbdBuffer shared) throws Exception {
                file.write(shared.bytes().clear().put(ones()).flip(), 0);
            }
        },
        ASYNCHRONOUS_IN_PLACE {
            @Override
            void write(RbdFile file, RbdBuffer shared) throws Exception {
                file.writeAsync(shared.bytes().clear().put(ones()).flip(), 0)
                        .get(60, TimeUnit.SECONDS);
            }
        };

        abstract void write(RbdFile file, RbdBuffer shared) throws Exception;
    }

    abstract BrokerProcess start() throws Exception;

    final BrokerProcess broker() {
        return broker;
    }

    final String path() {
        return path;
    }

    @BeforeEach
    void startBroker() throws Exception {
        broker = start();
        path = broker.createAndMap(name, SIZE);
    }

    @AfterEach
    void stopBroker() throws Exception {
        try (BrokerAdmin admin = broker.admin()) {
            for (MappingInfo mapping : admin.mappings()) {
                admin.unmap(mapping.path(), true);
            }
            List<String> images = admin.list("rbd");
            for (String image : List.of(name, otherName, holderName)) {
                if (images.contains(image)) {
                    admin.remove(image, (done, total) -> {});
                }
            }
        } finally {
            broker.close();
        }
    }

    @Test
    void shouldNotBeginToUseAnotherImageThatHasTheNameSinceAnUnmapByForce() throws Exception {
        try (Files files = new Files()) {
            files.ofSync().write(ByteBuffer.allocate(1), 0);
            try (BrokerAdmin admin = broker.admin()) {
                admin.unmap(path, true);
                mapOther(admin);
            }
            files.assertAllFail(Errno.ESHUTDOWN);
            assertUntouched();
        }
    }

    /** Neither with this broker nor with the next one, which knows of no unmap. */
    @Test
    void shouldNotComeBackByAMappingThatWasMadeAfterAnUnmapByForce() throws Exception {
        try (Files files = new Files()) {
            try (BrokerAdmin admin = broker.admin()) {
                admin.unmap(path, true);
                admin.map(MapRequest.of(name));
            }
            files.assertAllFail(Errno.ESHUTDOWN);
            broker.kill();
            broker.startAgain();
            files.holder.write(ByteBuffer.allocate(1), 0);
            files.assertAllFail(Errno.ESHUTDOWN);
            assertUntouched();
        }
    }

    @Test
    void shouldNotBeginToUseAnotherImageThatHasTheNameWithTheNextBroker() throws Exception {
        try (Files files = new Files()) {
            broker.kill();
            Map<Use, CompletableFuture<Errno>> failures = files.beginAll();
            BrokerProcess other = broker.startElsewhere();
            try (BrokerAdmin admin = other.admin()) {
                admin.unmap(path, true);
                mapOther(admin);
            }
            other.stop();
            failures.values().forEach(failure -> assertFalse(failure.isDone()));
            broker.startAgain();
            for (Map.Entry<Use, CompletableFuture<Errno>> failure : failures.entrySet()) {
                assertEquals(Errno.ESTALE, failure.getValue().get(), failure.getKey().name());
            }
            files.assertAllFail(Errno.ESTALE);
            assertUntouched();
        }
    }

    @Test
    void shouldBeginToUseItsImageWithTheNextBroker() throws Exception {
        try (Files files = new Files()) {
            broker.kill();
            Map<Use, CompletableFuture<Errno>> failures = files.beginAll();
            broker.startAgain();
            for (Map.Entry<Use, CompletableFuture<Errno>> failure : failures.entrySet()) {
                assertEquals(null, failure.getValue().get(), failure.getKey().name());
            }
            ByteBuffer content = ByteBuffer.allocate(LENGTH);
            files.ofSync().read(content, 0);
            assertArrayEquals(ones().array(), content.array());
        }
    }

    @Test
    void shouldStayLostWhenItsBrokerComesAfterTheTimeout() throws Exception {
        try (JavaProcess program =
                JavaProcess.start(
                        Map.of("RBDW_RECONNECT_TIMEOUT", "0.5"),
                        WritingAnywayClient.class,
                        broker.runDir().toString(),
                        path)) {
            program.awaitLine("writing");
            broker.kill();
            program.awaitLine("lost: ENOTCONN");
            broker.startAgain();
            program.process().getOutputStream().close();
            String output = program.awaitSuccess(60);
            assertTrue(output.contains("async: ENOTCONN"), output);
            assertTrue(output.contains("in place: ENOTCONN"), output);
            assertTrue(output.contains("sync: ENOTCONN"), output);
            assertTrue(output.contains("opened again: none"), output);
        }
    }

    private void mapOther(BrokerAdmin admin) throws Exception {
        admin.create(otherName, SIZE);
        MapRequest request = MapRequest.of(otherName);
        admin.map(
                new MapRequest(
                        otherName,
                        name,
                        false,
                        request.ownerUid(),
                        request.ownerGid(),
                        request.mode(),
                        request.options()));
    }

    /**
     * A file for each use, all of one image, which begins with that use; and the memory in place.
     */
    private final class Files implements AutoCloseable {
        final RbdFile holder;
        private final Map<Use, RbdFile> all = new EnumMap<>(Use.class);
        private final Map<Use, RbdBuffer> shared = new EnumMap<>(Use.class);

        Files() throws Exception {
            holder = RbdFile.openAt(broker.runDir(), broker.createAndMap(holderName, SIZE));
            for (Use use : Use.values()) {
                all.put(use, RbdFile.openAt(broker.runDir(), path));
                shared.put(use, holder.allocate(LENGTH));
            }
        }

        RbdFile ofSync() {
            return all.get(Use.SYNCHRONOUS);
        }

        /** By threads of their own: the common pool's few tell of a process's end. */
        Map<Use, CompletableFuture<Errno>> beginAll() {
            Map<Use, CompletableFuture<Errno>> failures = new EnumMap<>(Use.class);
            for (Use use : Use.values()) {
                failures.put(
                        use,
                        CompletableFuture.supplyAsync(
                                () -> failure(use, all.get(use), shared.get(use)),
                                task -> Thread.ofPlatform().daemon().start(task)));
            }
            return failures;
        }

        /** First each file in its way, then in all. */
        void assertAllFail(Errno errno) {
            for (Use use : Use.values()) {
                assertFails(errno, use, all.get(use), shared.get(use));
            }
            for (RbdFile file : all.values()) {
                for (Use use : Use.values()) {
                    assertFails(errno, use, file, shared.get(use));
                }
            }
        }

        @Override
        public void close() throws IOException {
            for (RbdFile file : all.values()) {
                file.close();
            }
            holder.close();
            shared.values().forEach(RbdBuffer::close);
        }
    }

    static ByteBuffer ones() {
        ByteBuffer ones = ByteBuffer.allocate(LENGTH);
        java.util.Arrays.fill(ones.array(), (byte) 1);
        return ones;
    }

    static void assertFails(Errno errno, Use use, RbdFile file, RbdBuffer shared) {
        assertEquals(errno, failure(use, file, shared), use.name());
    }

    /** Null: it was written. */
    static Errno failure(Use use, RbdFile file, RbdBuffer shared) {
        try {
            use.write(file, shared);
            return null;
        } catch (Exception e) {
            return IoErrors.errno(e);
        }
    }

    /** The image that has the name now. */
    private void assertUntouched() throws Exception {
        ByteBuffer content = ByteBuffer.allocate(LENGTH);
        try (RbdFile other = RbdFile.openAt(broker.runDir(), path)) {
            other.read(content, 0);
        }
        assertArrayEquals(new byte[LENGTH], content.array());
    }
}
