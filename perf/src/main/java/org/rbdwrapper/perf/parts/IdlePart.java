package org.rbdwrapper.perf.parts;

import org.rbdwrapper.perf.load.LoadClient;
import org.rbdwrapper.perf.machine.BrokerProcess;
import org.rbdwrapper.perf.machine.Child;
import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.measure.Meter;
import org.rbdwrapper.perf.measure.Usage;

import java.io.IOException;
import java.util.List;
import java.util.Map;

/** A broker whose clients are connected, have read, and do nothing more. */
public record IdlePart(Environment environment, Plan plan) {
    static final int CLIENTS = 16;
    private static final String IMAGE = "idle";
    private static final long IMAGE_BYTES = 16L << 20;

    /** Until what the last request began has ended. */
    private static final double SETTLE_SECONDS = 1;

    /**
     * @param broker what it used while it was watched.
     */
    public record Result(int clients, Usage broker) {}

    public Result run() throws IOException {
        environment.say("idle: a broker with " + CLIENTS + " clients that do nothing");
        try (BrokerProcess broker = BrokerProcess.start(environment, "idle", "memory");
                LoadClient client = LoadClient.start(environment, broker.runDir(), "idle")) {
            client.create(IMAGE, IMAGE_BYTES);
            try (Child clients = clients(broker, client.map(IMAGE))) {
                awaitClients(broker, clients);
                Meter.watch(List.of(broker.pid()), SETTLE_SECONDS);
                return new Result(CLIENTS, Meter.watch(List.of(broker.pid()), plan.idleSeconds()));
            }
        }
    }

    /** fio's processes sleep after their first read. */
    private Child clients(BrokerProcess broker, String path) throws IOException {
        Child fio =
                Child.start(
                        "fio that does nothing",
                        List.of(
                                "fio",
                                "--name=idle",
                                "--filename=" + path,
                                "--ioengine=psync",
                                "--rw=randread",
                                "--bs=4k",
                                "--size=" + IMAGE_BYTES,
                                "--numjobs=" + CLIENTS,
                                "--thinktime=10m",
                                "--time_based",
                                "--runtime=10m"),
                        Map.of(
                                "LD_PRELOAD",
                                environment.preloadLibrary().toString(),
                                "RBDW_RUN_DIR",
                                broker.runDir().toString()),
                        environment.scratch().resolve("idle.out"));
        return environment.cleanup().add(fio);
    }

    private void awaitClients(BrokerProcess broker, Child clients) throws IOException {
        for (int looks = 0; connected(broker) < CLIENTS; looks++) {
            if (looks > 50 || !clients.process().isAlive()) {
                throw clients.failure("does not connect");
            }
            Meter.watch(List.of(broker.pid()), 0.1);
        }
    }

    private int connected(BrokerProcess broker) throws IOException {
        return (int)
                Commands.run(
                                environment,
                                Map.of("RBDW_RUN_DIR", broker.runDir().toString()),
                                environment.adminCommand().toString(),
                                "clients")
                        .lines()
                        .filter(line -> line.contains("fio"))
                        .count();
    }
}
