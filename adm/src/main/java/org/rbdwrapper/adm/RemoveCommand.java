package org.rbdwrapper.adm;

import org.rbdwrapper.client.admin.BrokerAdmin;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code rm SPEC}. */
@Command(
        name = "rm",
        aliases = "remove",
        description =
                "Removes an image and its data. Refused while it is mapped, open or has snapshots.")
final class RemoveCommand extends AdmCommand {
    @Parameters(paramLabel = "SPEC", description = "[pool/[namespace/]]image")
    private String image;

    @Override
    void run(BrokerAdmin broker) throws Exception {
        try {
            broker.remove(image, progress("removing"));
        } finally {
            progressDone();
        }
    }
}
