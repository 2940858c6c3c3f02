package org.rbdwrapper.client.durability;

import org.rbdwrapper.broker.Broker;
import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.ClientLimits;
import org.rbdwrapper.broker.map.MapJournal;
import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.store.ImageIo;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.store.StoreSpec;
import org.rbdwrapper.broker.store.file.FileStore;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MappingInfo;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a broker that starts after a power loss finds.
 *
 * @param images contents, by name.
 * @param mapped images that are.
 */
record StateAfterCrash(Map<String, byte[]> images, Set<String> mapped) {
    /** As the next broker opens the journal and the store. */
    static StateAfterCrash open(Path stateDir) throws Exception {
        Set<String> mapped = new HashSet<>();
        List<String> warnings = new ArrayList<>();
        try (MapJournal journal = MapJournal.open(stateDir.resolve("journal"), warnings::add)) {
            journal.mappings().forEach(mapping -> mapped.add(mapping.spec().image()));
        }
        if (warnings.size() > 1) {
            throw new AssertionError("more than one warning: " + warnings);
        }
        Map<String, byte[]> images = new HashMap<>();
        try (FileStore store = FileStore.open(stateDir.resolve("images"));
                StoreConnection connection = store.connect("test")) {
            for (String name : connection.list(ImageSpec.DEFAULT_POOL, "")) {
                images.put(name, read(connection, ImageSpec.parse(name)));
            }
        }
        return new StateAfterCrash(images, mapped);
    }

    /** As a client of a whole broker sees it; contents are not read. */
    static StateAfterCrash startBroker(Path stateDir, Path runDir) throws Exception {
        BrokerOptions options =
                new BrokerOptions(
                        runDir,
                        stateDir,
                        StoreSpec.parse("file"),
                        "admin",
                        MessengerPolicy.PER_CLIENT,
                        1,
                        ClientLimits.defaults(),
                        BrokerOptions.DEFAULT_HELLO_TIMEOUT_NANOS);
        Broker broker = Broker.start(options);
        try (BrokerAdmin admin =
                BrokerAdmin.connect("test", ControlConnection.connect(List.of(runDir)))) {
            Map<String, byte[]> images = new HashMap<>();
            for (String name : admin.list("")) {
                images.put(name, new byte[(int) admin.describe(name).size()]);
            }
            Set<String> mapped = new HashSet<>();
            admin.mappings().stream().map(MappingInfo::image).forEach(mapped::add);
            return new StateAfterCrash(images, mapped);
        } finally {
            broker.close();
        }
    }

    /** Why this may not be, or null. */
    String objection(Expectation expectation) {
        for (var entry : expectation.images().entrySet()) {
            ExpectedImage image = entry.getValue();
            String objection = image.objectionTo(images.get(entry.getKey()));
            if (objection == null) {
                objection = image.objectionToMapping(mapped.contains(entry.getKey()));
            }
            if (objection != null) {
                return objection;
            }
        }
        return null;
    }

    private static byte[] read(StoreConnection connection, ImageSpec spec) throws Exception {
        try (StoreImage image = connection.open(spec, true);
                ImageIo io = new ImageIo(image, Math.max(1, image.size()))) {
            return io.read(0, (int) image.size());
        }
    }
}
