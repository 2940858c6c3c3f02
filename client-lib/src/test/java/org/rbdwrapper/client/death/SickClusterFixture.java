package org.rbdwrapper.client.death;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.fail;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.broker.testing.CephCluster;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.OptionalLong;

/** A cluster of the class's own, to be made sick, and for each test a broker and an image. */
@Tag("ceph")
@Timeout(600)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class SickClusterFixture {
    static final int SIZE = 16 * 1024 * 1024;
    static final Path PROGRAMS = Path.of("src", "test", "programs").toAbsolutePath();
    CephCluster cluster;
    String image;
    BrokerProcess broker;
    BrokerAdmin admin;
    String path;

    @BeforeAll
    void startCluster() throws Exception {
        cluster = CephCluster.startDurable();
    }

    @AfterAll
    void stopCluster() throws Exception {
        cluster.stop();
    }

    @BeforeEach
    void startBroker() throws Exception {
        image = "sick-" + System.nanoTime();
        broker = startAnotherBroker();
        admin = broker.admin();
        admin.create(image, SIZE);
        path = admin.map(MapRequest.of(image));
    }

    @AfterEach
    void stopBroker() throws Exception {
        admin.close();
        broker.close();
    }

    /** As on another host. */
    final BrokerProcess startAnotherBroker() throws Exception {
        return BrokerProcess.start("--store", "ceph:" + cluster.conf(), "--id", cluster.id());
    }

    RbdFile open() throws Exception {
        return RbdFile.openAt(broker.runDir(), path);
    }

    /** With {@code map -o OPTIONS}. */
    static MapRequest request(String spec, String name, String options) {
        return new MapRequest(
                spec,
                name,
                false,
                OptionalLong.empty(),
                OptionalLong.empty(),
                MapRequest.DEFAULT_MODE,
                options);
    }

    static Errno errnoOfWrite(RbdFile file, long position) {
        return assertThrows(
                        ErrnoException.class, () -> file.write(ByteBuffer.allocate(1), position))
                .errno();
    }

    static Errno errnoOfRead(RbdFile file, long position) {
        return assertThrows(ErrnoException.class, () -> file.read(ByteBuffer.allocate(1), position))
                .errno();
    }

    /** Of the broker's log. */
    long linesWith(String text) throws IOException {
        return broker.output().lines().filter(line -> line.contains(text)).count();
    }

    void awaitLine(String text, int seconds) throws Exception {
        long deadline = System.nanoTime() + seconds * 1_000_000_000L;
        while (linesWith(text) == 0) {
            if (System.nanoTime() > deadline) {
                fail("'" + text + "' is not in: " + broker.output());
            }
            Thread.sleep(50);
        }
    }
}
