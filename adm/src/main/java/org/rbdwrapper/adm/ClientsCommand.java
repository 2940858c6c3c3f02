package org.rbdwrapper.adm;

import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.ClientInfo;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.util.List;

/** {@code clients}: who is connected. */
@Command(
        name = "clients",
        description = "Shows who is connected to the broker, and what they have open.")
final class ClientsCommand extends AdmCommand {
    @Option(names = "--format", paramLabel = "FORMAT", description = "plain (default) or json")
    private ClientsFormat format = ClientsFormat.PLAIN;

    private enum ClientsFormat {
        PLAIN,
        JSON
    }

    /** One client in JSON; names are the keys. */
    private record Row(
            long session,
            int pid,
            long uid,
            long gid,
            String program,
            int opens,
            long in_flight,
            Integer messenger,
            int channels,
            long requests,
            String connected_at,
            List<String> paths) {}

    @Override
    void run(BrokerAdmin broker) throws Exception {
        List<ClientInfo> clients =
                broker.clients().stream().filter(client -> client.channels() > 0).toList();
        if (format == ClientsFormat.JSON) {
            Format.printJson(out(), clients.stream().map(ClientsCommand::row).toList());
            return;
        }
        Table table =
                new Table(
                        "pid",
                        "uid",
                        "program",
                        "opens",
                        "in flight",
                        "messenger",
                        "requests",
                        "paths");
        for (ClientInfo client : clients) {
            table.add(
                    client.pid(),
                    client.uid(),
                    client.program(),
                    client.opens(),
                    client.inFlight(),
                    client.messenger(),
                    client.requests(),
                    String.join(" ", client.paths()));
        }
        table.print(out());
    }

    private static Row row(ClientInfo client) {
        return new Row(
                client.sessionId(),
                client.pid(),
                client.uid(),
                client.gid(),
                client.program(),
                client.opens(),
                client.inFlight(),
                client.messenger(),
                client.channels(),
                client.requests(),
                client.connectedAt().toString(),
                client.paths());
    }
}
