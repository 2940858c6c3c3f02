package org.rbdwrapper.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonElement;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** What is counted of a messenger whose connection has threads of its own. */
@Execution(ExecutionMode.SAME_THREAD)
@Tag("ceph")
final class MessengersOnCephSystemTest {
    @Test
    void shouldShowThreadsThatCarryTheConnection() throws Exception {
        try (TestBroker broker = TestBroker.start("ceph");
                BrokerAdmin admin =
                        BrokerAdmin.connect(
                                "test", ControlConnection.connect(List.of(broker.runDir())))) {
            admin.create("counted", 1024 * 1024);
            String path = admin.map(MapRequest.of("counted"));
            try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
                file.write(ByteBuffer.allocate(4096), 0);
                Set<String> names = new TreeSet<>();
                for (JsonElement thread :
                        StatusOf.messenger(broker, 0).getAsJsonArray("connection")) {
                    String name = thread.getAsJsonObject().get("name").getAsString();
                    names.add(name.replaceFirst("-[0-9]+$", ""));
                }
                assertEquals(Set.of("io_context_pool", "msgr-worker"), names);
            }
            admin.unmap(path, false);
            admin.remove("counted", (done, total) -> {});
        }
    }
}
