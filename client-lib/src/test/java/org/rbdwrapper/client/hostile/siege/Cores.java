package org.rbdwrapper.client.hostile.siege;

import java.io.IOException;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * Who kept how many processors busy. What others on the host took is nobody's fault here: a
 * measurement beside much of that tells little.
 */
record Cores(double attacker, double broker, double victim, double others) {
    /** So far, as seconds. */
    static Cores seconds(Dialogue attacker, BesiegedProcess broker, Dialogue victim)
            throws IOException {
        double attackers = Processors.secondsOf(attacker.pid());
        double brokers = Processors.secondsOf(broker.pid());
        double victims = Processors.secondsOf(victim.pid());
        double all = Processors.busySeconds();
        return new Cores(attackers, brokers, victims, all - attackers - brokers - victims);
    }

    Cores since(Cores begun, double seconds) {
        return new Cores(
                (attacker - begun.attacker) / seconds,
                (broker - begun.broker) / seconds,
                (victim - begun.victim) / seconds,
                (others - begun.others) / seconds);
    }

    static Cores mean(List<Cores> all) {
        return new Cores(
                mean(all, Cores::attacker),
                mean(all, Cores::broker),
                mean(all, Cores::victim),
                mean(all, Cores::others));
    }

    private static double mean(List<Cores> all, ToDoubleFunction<Cores> of) {
        return all.stream().mapToDouble(of).average().orElse(0);
    }

    String toText() {
        return "%.2f %.2f %.2f %.2f".formatted(attacker, broker, victim, Math.max(others, 0));
    }
}
