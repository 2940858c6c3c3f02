package org.rbdwrapper.adm;

import org.rbdwrapper.client.admin.BrokerAdmin;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code resize SPEC --size SIZE [--allow-shrink]}. */
@Command(
        name = "resize",
        description = "Changes an image's size; who has it open sees the new one.")
final class ResizeCommand extends AdmCommand {
    @Parameters(paramLabel = "SPEC", description = "[pool/[namespace/]]image")
    private String image;

    @Option(
            names = {"-s", "--size"},
            paramLabel = "SIZE",
            required = true,
            converter = ByteSize.class,
            description = "A number and B, K, M, G, T, P or E; without a letter, M")
    private long size;

    @Option(
            names = "--allow-shrink",
            description = "Also to a smaller size: what is beyond it is lost")
    private boolean allowShrink;

    @Override
    void run(BrokerAdmin broker) throws Exception {
        try {
            broker.resize(image, size, allowShrink, progress("resizing"));
        } finally {
            progressDone();
        }
    }
}
