package org.rbdwrapper.client.death;

import org.rbdwrapper.broker.Broker;
import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.ClientLimits;
import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.store.StoreSpec;
import org.rbdwrapper.broker.store.fault.Fault;
import org.rbdwrapper.broker.store.fault.FaultPlan;
import org.rbdwrapper.broker.store.fault.FaultPoint;
import org.rbdwrapper.broker.store.fault.FaultStore;
import org.rbdwrapper.broker.store.file.FileStore;
import org.rbdwrapper.ipc.Errno;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A broker whose store refuses to open images as the file {@code refuse} in its state directory
 * says when it starts: an error number, and how often.
 *
 * <p>Arguments: as {@code rbdwrapper-broker start --foreground --run-dir D --state-dir D}.
 */
final class RefusingOpensBroker {
    private RefusingOpensBroker() {}

    static void refuse(BrokerProcess next, Errno errno, int times) throws Exception {
        Files.writeString(refusals(next.stateDir()), errno.number() + " " + times);
    }

    private static Path refusals(Path stateDir) {
        return stateDir.resolve("refuse");
    }

    public static void main(String[] args) throws Exception {
        Path stateDir = Path.of(args[5]);
        FaultPlan plan = new FaultPlan();
        if (Files.exists(refusals(stateDir))) {
            String[] said = Files.readString(refusals(stateDir)).split(" ", 2);
            Errno errno = Errno.of(Integer.parseInt(said[0]));
            plan.add(Fault.fail(FaultPoint.OPEN, errno).times(Integer.parseInt(said[1])));
        }
        Broker broker =
                Broker.start(
                        new BrokerOptions(
                                Path.of(args[3]),
                                stateDir,
                                StoreSpec.parse("file"),
                                "admin",
                                MessengerPolicy.PER_CLIENT,
                                2,
                                ClientLimits.defaults(),
                                BrokerOptions.DEFAULT_HELLO_TIMEOUT_NANOS),
                        new FaultStore(FileStore.open(stateDir.resolve("images")), plan));
        Runtime.getRuntime()
                .addShutdownHook(Thread.ofPlatform().name("stop").unstarted(broker::close));
        System.out.println("ready");
        Thread.sleep(Long.MAX_VALUE);
    }
}
