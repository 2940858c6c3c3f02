package org.rbdwrapper.client.hostile.siege;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * {@code perf/siege}, for people: what each attack does to a victim, as beside against alone: the
 * middle of the rounds, the least and the most. Exit codes: 0, whatever the figures are; 1 the
 * victim has lost something; 2 usage.
 */
public final class SiegeMain {
    private String store = "memory";
    private int rounds = 3;
    private double seconds = 1.2;
    private final List<Attack> attacks = new ArrayList<>();

    private SiegeMain() {}

    public static void main(String[] args) throws Exception {
        SiegeMain main = new SiegeMain();
        try {
            main.parse(args);
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            System.err.println(
                    usage(
                            String.join(
                                    " ", Arrays.stream(Attack.values()).map(Enum::name).toList())));
            System.exit(Arrays.asList(args).contains("--help") ? 0 : 2);
        }
        if (!OtherUser.canBe(Siege.ATTACKER)) {
            System.err.println(
                    "siege: only root can have processes of other users, and they must be able to"
                            + " use this Java, "
                            + System.getProperty("java.home"));
            System.exit(1);
        }
        System.exit(main.run());
    }

    private static String usage(String attacks) {
        return """
        Usage: perf/siege [--store memory|file[:DIR]|ceph:CONF] [--ceph CONF] [--rounds N] [--seconds S] [ATTACK...]
        Each round is a phase alone and one beside the attack, of S seconds each (default: 3 rounds of 1.2 s).
        NOTHING and COMPUTE_1, _2 are yardsticks: what the measurement, and what programs that compute, make of it.
        Ratios are beside the attack to alone: the middle of the rounds (the least to the most). The last column says in what no
        round was as it must be: 0.7 of the reads, 3 times the p99 of I/O, 10 times that of control calls, or, where COMPUTE_1 and
        _2 were measured first and leave less (they do where cores are few), what those leave.
        Attacks (default: all that the store can have):
        """
                + "  "
                + attacks;
    }

    private void parse(String... args) {
        for (int i = 0; i < args.length; i++) {
            switch (args[i]) {
                case "--store" -> store = args[++i];
                case "--ceph" -> store = "ceph:" + args[++i];
                case "--rounds" -> rounds = Integer.parseInt(args[++i]);
                case "--seconds" -> seconds = Double.parseDouble(args[++i]);
                default -> attacks.add(Attack.valueOf(args[i]));
            }
        }
        if (attacks.isEmpty()) {
            attacks.addAll(Arrays.asList(Attack.values()));
        }
    }

    private int run() throws Exception {
        List<List<String>> rows = new ArrayList<>(List.of(Outcome.COLUMNS));
        List<Outcome> yardsticks = new ArrayList<>();
        try (Siege siege = new Siege(store)) {
            for (Attack attack : attacks) {
                if (siege.canHave(attack)) {
                    Outcome outcome = siege.attack(attack, rounds, (long) (seconds * 1000));
                    if (attack == Attack.COMPUTE_1 || attack == Attack.COMPUTE_2) {
                        yardsticks.add(outcome);
                    }
                    rows.add(outcome.toRow(yardsticks));
                    System.err.println("siege: " + String.join(" | ", rows.getLast()));
                }
            }
            String lost = siege.end();
            System.out.println("store " + store + ", " + rounds + " rounds of " + seconds + " s");
            print(rows);
            System.out.println(lost == null ? "nothing was lost" : "LOST: " + lost);
            return lost == null ? 0 : 1;
        }
    }

    private static void print(List<List<String>> rows) {
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < row.size(); i++) {
                int column = i;
                int width = rows.stream().mapToInt(r -> r.get(column).length()).max().orElse(0);
                line.append(row.get(i)).repeat(' ', width - row.get(i).length() + 2);
            }
            System.out.println(line.toString().stripTrailing());
        }
    }
}
