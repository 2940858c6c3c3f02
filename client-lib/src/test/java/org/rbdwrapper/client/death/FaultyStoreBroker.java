package org.rbdwrapper.client.death;

import org.rbdwrapper.broker.store.fault.Fault;
import org.rbdwrapper.broker.store.fault.FaultPlan;
import org.rbdwrapper.broker.store.fault.FaultPoint;
import org.rbdwrapper.broker.store.fault.FaultStore;
import org.rbdwrapper.broker.store.file.FileStore;
import org.rbdwrapper.ipc.Errno;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A broker whose store has the fault that the file {@code fault} in its state directory says when
 * it starts: refuses to open images with an error number, so many times, keeps writes waiting, for
 * ever or for so long, or never opens one image.
 *
 * <p>Arguments: see {@link BrokerOnStore}.
 */
final class FaultyStoreBroker {
    private static final String HOLD = "hold";
    private static final String HOLD_ZEROES = "hold zeroes";
    private static final String HOLD_OPENS_OF = "hold-opens-of ";
    private static final String HOLD_LATER_OPENS_OF = "hold-later-opens-of ";
    private static final String DELAY = "delay ";
    private static final String DELAY_OPENS = "delay-opens ";

    private FaultyStoreBroker() {}

    static void refuseOpens(BrokerProcess next, Errno errno, int times) throws IOException {
        Files.writeString(file(next.stateDir()), errno.number() + " " + times);
    }

    /** Returns when there is one that answers no write. */
    static void restartHoldingWrites(BrokerProcess broker) throws Exception {
        broker.stop();
        Files.writeString(file(broker.stateDir()), HOLD);
        broker.startAgain();
    }

    /** The next one writes no zeroes. */
    static void holdZeroes(BrokerProcess next) throws IOException {
        Files.writeString(file(next.stateDir()), HOLD_ZEROES);
    }

    /** Returns when there is one that never opens this image. */
    static void restartHoldingOpensOf(BrokerProcess broker, String image) throws Exception {
        broker.stop();
        Files.writeString(file(broker.stateDir()), HOLD_OPENS_OF + "rbd/" + image);
        broker.startAgain();
    }

    /** Returns when there is one that opens this image once, and never again. */
    static void restartHoldingLaterOpensOf(BrokerProcess broker, String image) throws Exception {
        broker.stop();
        Files.writeString(file(broker.stateDir()), HOLD_LATER_OPENS_OF + "rbd/" + image);
        broker.startAgain();
    }

    static void delayWrites(BrokerProcess next, int millis) throws IOException {
        Files.writeString(file(next.stateDir()), DELAY + millis);
    }

    static void delayOpens(BrokerProcess next, int millis) throws IOException {
        Files.writeString(file(next.stateDir()), DELAY_OPENS + millis);
    }

    static void haveNoFault(BrokerProcess next) throws IOException {
        Files.delete(file(next.stateDir()));
    }

    private static Path file(Path stateDir) {
        return stateDir.resolve("fault");
    }

    private static Fault fault(String said) {
        if (said.equals(HOLD)) {
            return Fault.hold(FaultPoint.WRITE);
        }
        if (said.equals(HOLD_ZEROES)) {
            return Fault.hold(FaultPoint.WRITE_ZEROES);
        }
        if (said.startsWith(HOLD_OPENS_OF)) {
            return Fault.hold(FaultPoint.OPEN).of(said.substring(HOLD_OPENS_OF.length()));
        }
        if (said.startsWith(DELAY)) {
            return Fault.delay(FaultPoint.WRITE, Integer.parseInt(said.substring(DELAY.length())));
        }
        if (said.startsWith(DELAY_OPENS)) {
            return Fault.delay(
                    FaultPoint.OPEN, Integer.parseInt(said.substring(DELAY_OPENS.length())));
        }
        String[] numbers = said.split(" ", 2);
        Errno errno = Errno.of(Integer.parseInt(numbers[0]));
        return Fault.fail(FaultPoint.OPEN, errno).times(Integer.parseInt(numbers[1]));
    }

    private static FaultPlan planOf(Path stateDir) throws IOException {
        FaultPlan plan = new FaultPlan();
        if (!Files.exists(file(stateDir))) {
            return plan;
        }
        String said = Files.readString(file(stateDir));
        if (said.startsWith(HOLD_LATER_OPENS_OF)) {
            String image = said.substring(HOLD_LATER_OPENS_OF.length());
            Fault first = Fault.delay(FaultPoint.OPEN, 0).of(image).times(1);
            return plan.add(first).add(Fault.hold(FaultPoint.OPEN).of(image));
        }
        return plan.add(fault(said));
    }

    public static void main(String[] args) throws Exception {
        BrokerOnStore.serve(
                args,
                stateDir ->
                        new FaultStore(
                                FileStore.open(stateDir.resolve("images")), planOf(stateDir)));
    }
}
