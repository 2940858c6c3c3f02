package org.rbdwrapper.perf.soak;

import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.perf.machine.Child;
import org.rbdwrapper.perf.machine.Environment;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * One client: an image is created and mapped for it, a program uses that until it has done its
 * errand or is killed, and the image is unmapped and removed.
 *
 * <p>One thread; {@link #mayLose} is called by others.
 */
final class ClientLife {
    /** Of each image, bytes. */
    static final long SIZE = 24L << 20;

    /** For the end of what was told to end: the broker or the cluster may be away in between. */
    private static final Duration END_LIMIT = Duration.ofMinutes(4);

    private static final Duration BEGIN_LIMIT = Duration.ofMinutes(1);
    private static final int LOOK_MILLIS = 20;
    private static final double LONGEST_STOP_SECONDS = 10;

    private enum End {
        BY_ITSELF,
        STOPPED_MEANWHILE,
        KILLED
    }

    private final Environment environment;
    private final Processes processes;
    private final Turmoil turmoil;
    private final Administration administration;
    private final SharedImage shared;
    private final Tally tally;
    private final BooleanSupplier isOver;
    private final String image;
    private final SplittableRandom random;
    private final double longestSeconds;
    private final ClientKind kind;
    private final End end;
    private final double seconds;
    private volatile boolean lostItsConnection;

    ClientLife(
            Environment environment,
            Processes processes,
            Turmoil turmoil,
            Administration administration,
            SharedImage shared,
            Tally tally,
            BooleanSupplier isOver,
            String image,
            SplittableRandom random,
            double longestSeconds) {
        this.environment = environment;
        this.processes = processes;
        this.turmoil = turmoil;
        this.administration = administration;
        this.shared = shared;
        this.tally = tally;
        this.isOver = isOver;
        this.image = image;
        this.random = random;
        this.longestSeconds = longestSeconds;
        this.kind = ClientKind.any(random);
        int draw = random.nextInt(10);
        this.end = draw < 5 ? End.BY_ITSELF : draw < 8 ? End.KILLED : End.STOPPED_MEANWHILE;
        // as many of some seconds as of some minutes
        this.seconds = Math.exp(random.nextDouble() * Math.log(Math.max(longestSeconds, 2)));
    }

    void live() throws Exception {
        String path = administration.create(image, SIZE);
        Path model = environment.scratch().resolve(image + ".model");
        Files.createFile(model);
        try (var file = new java.io.RandomAccessFile(model.toFile(), "rw")) {
            file.setLength(SIZE);
        }
        int told = (int) Math.ceil(end == End.KILLED ? seconds + END_LIMIT.toSeconds() : seconds);
        use(
                kind.command(
                        environment,
                        new ClientKind.Errand(
                                administration.broker().runDir(),
                                path,
                                shared.path(),
                                model,
                                told,
                                random.nextInt(1_000_000))),
                path);
        administration.remove(image);
        Files.delete(model);
    }

    /** Its image's Ceph client was blocklisted: ESHUTDOWN is then what it must get. */
    void mayLose() {
        lostItsConnection = true;
    }

    String image() {
        return image;
    }

    private void use(List<String> command, String path) throws Exception {
        Child[] begun = new Child[1];
        turmoil.calmly(() -> begun[0] = begin(command));
        Child child = begun[0];
        boolean killed = false;
        if (end == End.STOPPED_MEANWHILE && !kind.isShort()) {
            pause(child, seconds / 2);
            child.signal("STOP");
            pause(child, random.nextDouble(Math.min(LONGEST_STOP_SECONDS, longestSeconds)));
            child.signal("CONT");
            tally.stopped();
        } else if (end == End.KILLED && kind != ClientKind.CHURN) {
            pause(child, kind.isShort() ? random.nextDouble() : seconds);
            killed = child.process().isAlive();
        }
        if (!killed) {
            pause(child, END_LIMIT.toSeconds() + (kind.isShort() ? 0 : seconds));
            killed = isOver.getAsBoolean() && child.process().isAlive();
        }
        if (killed) {
            tally.killed();
        } else if (lostItsConnection && child.failedWith("108", "ESHUTDOWN", "shutdown")) {
            tally.lost();
        } else if (end == End.STOPPED_MEANWHILE
                && child.failedWith("")
                && SoakLog.isLate(administration.broker().stateDir(), child.process().pid())) {
            tally.late();
        } else {
            String printed = child.await(Duration.ZERO);
            if (kind == ClientKind.SUM) {
                shared.check(printed, shared.path());
            } else if (kind == ClientKind.DD) {
                checkCopy(path);
            }
            tally.ended();
        }
        processes.forget(child);
    }

    private Child begin(List<String> command) throws Exception {
        Child child = start(command);
        if (kind == ClientKind.CHURN || kind == ClientKind.ADM) {
            pause(child, END_LIMIT); // it begins all the time
        } else if (kind != ClientKind.HOSTILE) {
            awaitWork(child);
        }
        return child;
    }

    /** What was copied must be what is there. */
    private void checkCopy(String path) throws Exception {
        Child[] begun = new Child[1];
        turmoil.calmly(
                () -> {
                    begun[0] =
                            start(List.of(environment.runCommand().toString(), "sha256sum", path));
                    awaitWork(begun[0]);
                });
        pause(begun[0], END_LIMIT);
        if (!isOver.getAsBoolean() || !begun[0].process().isAlive()) {
            if (!(lostItsConnection && begun[0].failedWith("108", "ESHUTDOWN", "shutdown"))) {
                shared.check(begun[0].await(Duration.ZERO), path);
            }
        }
        processes.forget(begun[0]);
    }

    private Child start(List<String> command) throws IOException {
        return processes.start(
                image + "-" + kind,
                command,
                Map.of(
                        "RBDW_RUN_DIR",
                        administration.broker().runDir().toString(),
                        "RBDW_JAVA_HOME",
                        System.getProperty("java.home")));
    }

    private void awaitWork(Child child) throws ErrnoException, InterruptedException {
        long deadline = System.nanoTime() + BEGIN_LIMIT.toNanos();
        while (child.process().isAlive()
                && System.nanoTime() < deadline
                && !administration.isAtWork(child.process().pid())) {
            Thread.sleep(LOOK_MILLIS);
        }
    }

    private void pause(Child child, Duration longest) throws InterruptedException {
        pause(child, longest.toMillis() / 1e3);
    }

    /** Until it has ended by itself, its time is over, or all are to end. */
    private void pause(Child child, double seconds) throws InterruptedException {
        long deadline = System.nanoTime() + (long) (seconds * 1e9);
        while (System.nanoTime() < deadline && !isOver.getAsBoolean()) {
            if (child.process().waitFor(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
                return;
            }
        }
    }

    @Override
    public String toString() {
        return "%s of %s (%s, %.0f s)".formatted(kind, image, end, seconds);
    }
}
