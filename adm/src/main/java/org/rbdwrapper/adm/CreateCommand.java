package org.rbdwrapper.adm;

import org.rbdwrapper.client.admin.BrokerAdmin;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code create SPEC --size SIZE}. */
@Command(name = "create", description = "Creates an image that reads as zeroes.")
final class CreateCommand extends AdmCommand {
    @Parameters(paramLabel = "SPEC", description = "[pool/[namespace/]]image")
    private String image;

    @Option(
            names = {"-s", "--size"},
            paramLabel = "SIZE",
            required = true,
            converter = ByteSize.class,
            description = "A number and B, K, M, G, T, P or E; without a letter, M")
    private long size;

    @Override
    void run(BrokerAdmin broker) throws Exception {
        broker.create(image, size);
    }
}
