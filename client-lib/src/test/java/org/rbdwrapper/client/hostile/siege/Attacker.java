package org.rbdwrapper.client.hostile.siege;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * One attack, until it is killed, whoever started it has gone (its input ends), or its time is
 * over. Prints {@code attacking} when all of it is in place, and what it has done and was refused.
 *
 * <p>Arguments: the {@link Attack}, run directory, seconds, and the path of its own image where
 * there is no other.
 */
public final class Attacker {
    private static final int REPORT_MILLIS = 50;

    private Attacker() {}

    public static void main(String[] args) throws Exception {
        Path runDir = Path.of(args[1]);
        Ground ground = args.length > 3 ? Ground.withOwnImage(runDir, args[3]) : Ground.of(runDir);
        long seconds = Long.parseLong(args[2]);
        Thread.ofPlatform().daemon().start(Attacker::endWithParent);
        Thread.ofPlatform().daemon().start(() -> report(ground, seconds));
        Attack attack = Attack.valueOf(args[0]);
        if (attack == Attack.NOTHING) {
            ground.inPlace().set(true);
        }
        attack.run(ground);
    }

    private static void endWithParent() {
        try {
            while (System.in.read() >= 0) {
                // nobody says anything
            }
        } catch (IOException e) {
            // as at its end
        }
        Runtime.getRuntime().halt(0);
    }

    private static void report(Ground ground, long seconds) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        boolean told = false;
        while (System.nanoTime() - deadline < 0) {
            if (!told && ground.inPlace().get()) {
                System.out.println("attacking");
                told = true;
            }
            System.out.println("did " + ground.done() + " refused " + ground.refused());
            Ground.pause(REPORT_MILLIS);
        }
        Runtime.getRuntime().halt(0);
    }
}
