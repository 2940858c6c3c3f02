package org.rbdwrapper.adm;

import org.rbdwrapper.client.admin.BrokerAdmin;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code unmap SPEC|PATH}. */
@Command(
        name = "unmap",
        description =
                "Unmaps an image. Refused while a process has it open, whose name is then shown.")
final class UnmapCommand extends AdmCommand {
    @Parameters(paramLabel = "SPEC|PATH", description = "The image, or its path under /rbdw")
    private String target;

    @Option(
            names = "--force",
            description = "Also while it is open: its users get ESHUTDOWN from then on")
    private boolean force;

    @Override
    void run(BrokerAdmin broker) throws Exception {
        broker.unmap(target, force);
    }
}
