package org.rbdwrapper.client;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.broker.testing.TestBroker;

import java.util.Map;

/** What {@code rbdwrapper-broker status --format json} prints. */
public final class StatusOf {
    private StatusOf() {}

    public static JsonObject broker(TestBroker broker) throws Exception {
        try (JavaProcess command =
                JavaProcess.start(
                        Map.of(),
                        "org.rbdwrapper.broker.cli.BrokerMain",
                        "status",
                        "--run-dir",
                        broker.runDir().toString(),
                        "--format",
                        "json")) {
            String out = command.awaitSuccess(60);
            return JsonParser.parseString(out.substring(out.indexOf('{'))).getAsJsonObject();
        }
    }

    static JsonObject messenger(TestBroker broker, int index) throws Exception {
        return broker(broker).getAsJsonArray("per_messenger").get(index).getAsJsonObject();
    }
}
