package org.rbdwrapper.client.hostile.siege;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * For people: {@code perf/siege [--store memory|file|ceph:CONF] [--rounds N] [--seconds S]
 * [ATTACK…]}. Prints what each attack did to a victim, as beside against alone: the middle of the
 * rounds, the least and the most.
 */
public final class SiegeMain {
    private SiegeMain() {}

    public static void main(String[] args) throws Exception {
        String store = "memory";
        int rounds = 3;
        double seconds = 1.2;
        List<Attack> attacks = new ArrayList<>();
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
        List<List<String>> rows = new ArrayList<>(List.of(Outcome.COLUMNS));
        try (Siege siege = new Siege(store)) {
            for (Attack attack : attacks) {
                if (siege.canHave(attack)) {
                    rows.add(siege.attack(attack, rounds, (long) (seconds * 1000)).toRow());
                    System.err.println("siege: " + String.join(" | ", rows.getLast()));
                }
            }
            String lost = siege.end();
            System.out.println("store " + store + ", " + rounds + " rounds of " + seconds + " s");
            print(rows);
            System.out.println(lost == null ? "nothing was lost" : "LOST: " + lost);
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
