package org.rbdwrapper.client;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.nio.file.Path;
import java.util.List;

/** A broker on one store for all tests of a class, and images that come and go. */
@Execution(ExecutionMode.SAME_THREAD)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class BrokerFixture {
    /** Seconds of each model test; more with -Drbdw.model.seconds. */
    protected static final int MODEL_SECONDS = Integer.getInteger("rbdw.model.seconds", 10);

    protected static final int MIB = 1024 * 1024;

    @TempDir protected Path temporary;

    private TestBroker broker;
    private BrokerAdmin admin;

    /** As {@code --store} has it. */
    protected abstract String store();

    @BeforeAll
    protected void startBroker() throws Exception {
        broker = TestBroker.start(store());
        admin = BrokerAdmin.connect("test", ControlConnection.connect(List.of(broker.runDir())));
    }

    @AfterAll
    protected void stopBroker() throws Exception {
        if (broker != null) {
            admin.close();
            broker.close();
        }
    }

    /** Creates and maps it; its path. */
    protected final String image(String name, long size) throws ErrnoException {
        admin.create(name, size);
        return admin.map(MapRequest.of(name));
    }

    protected final void remove(String path) throws ErrnoException {
        admin.unmap(path, false);
        admin.remove(path.substring("/rbdw/".length()), (done, total) -> {});
    }

    protected final BrokerAdmin admin() {
        return admin;
    }

    protected final Path runDir() {
        return broker.runDir();
    }
}
