package org.rbdwrapper.client;

import org.rbdwrapper.broker.testing.StartExercise;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/** What most Java programs of the tests do first. */
public final class ClientStartExercise implements StartExercise {
    @Override
    public void run(Path runDir) throws Exception {
        String path;
        try (BrokerAdmin admin =
                BrokerAdmin.connect("exercise", ControlConnection.connect(List.of(runDir)))) {
            admin.create("exercise", 1 << 20);
            path = admin.map(MapRequest.of("exercise"));
        }
        try (RbdFile file = RbdFile.openAt(runDir, path)) {
            ByteBuffer block = ByteBuffer.allocate(4096);
            file.write(block, 0);
            file.read(block.clear(), 0);
            file.writeAsync(block.clear(), 4096).get();
            file.readAsync(block.clear(), 4096).get();
            file.force();
        }
    }
}
