package org.rbdwrapper.client.hostile.siege;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Beside other clients for some time: one attack after the other, in an order that is drawn, each a
 * process of another user that is killed after a moment. That the broker refuses them, hangs up or
 * is away does not matter here. Prints how many there were. Needs root.
 *
 * <p>Arguments: run directory, a folder of its own that all users may enter, path of an image of
 * {@value #SIZE_MIB} MiB that uid 65534 may write, seconds, seed.
 */
public final class HostileUser {
    static final long SIZE_MIB = Ground.OWN_SIZE >> 20;

    /** Of an attack, its program's start included. */
    private static final int LEAST_MILLIS = 500;

    private static final int MOST_MILLIS = 3000;

    /** In a row, before they are thought to be no attacks at all. */
    private static final int MOST_FAILURES = 20;

    private HostileUser() {}

    public static void main(String[] args) throws Exception {
        if (!OtherUser.canBe(Siege.ATTACKER)) {
            throw new IOException(
                    "only root has other users' processes, of a Java that all may use");
        }
        SplittableRandom random = new SplittableRandom(Long.parseLong(args[4]));
        long deadline = System.nanoTime() + Long.parseLong(args[3]) * 1_000_000_000L;
        List<Attack> attacks =
                Arrays.stream(Attack.values()).filter(attack -> !attack.isYardstick()).toList();
        OtherUser user = new OtherUser(Files.createDirectories(Path.of(args[1])));
        long made = 0;
        int failed = 0;
        while (System.nanoTime() - deadline < 0) {
            Attack attack = attacks.get(random.nextInt(attacks.size()));
            Process process =
                    user.start(
                            Siege.ATTACKER, Attacker.class, attack.name(), args[0], "10", args[2]);
            try (Dialogue attacker = new Dialogue(process)) {
                Thread.sleep(random.nextInt(LEAST_MILLIS, MOST_MILLIS));
                if (attacker.lastLine().startsWith("did ")) {
                    failed = 0;
                    System.out.println("attacks " + ++made);
                } else if (++failed > MOST_FAILURES) {
                    throw new IOException(attack + " and others before do not begin");
                }
            }
        }
    }
}
