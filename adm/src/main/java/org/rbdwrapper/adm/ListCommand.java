package org.rbdwrapper.adm;

import org.rbdwrapper.client.admin.BrokerAdmin;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.util.List;

/** {@code ls [POOL[/NAMESPACE]]}. */
@Command(name = "ls", aliases = "list", description = "Lists the images of a pool.")
final class ListCommand extends AdmCommand {
    @Parameters(
            arity = "0..1",
            paramLabel = "POOL[/NAMESPACE]",
            defaultValue = "",
            description = "Default: rbd")
    private String pool = "";

    @Option(names = "--format", paramLabel = "FORMAT", description = "plain (default) or json")
    private ListFormat format = ListFormat.PLAIN;

    private enum ListFormat {
        PLAIN,
        JSON
    }

    @Override
    void run(BrokerAdmin broker) throws Exception {
        List<String> names = broker.list(pool);
        if (format == ListFormat.JSON) {
            Format.printJson(out(), names);
        } else {
            names.forEach(out()::println);
        }
    }
}
