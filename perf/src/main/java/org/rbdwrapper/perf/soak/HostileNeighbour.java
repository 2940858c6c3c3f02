package org.rbdwrapper.perf.soak;

import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.posix.ProcessIdentity;
import org.rbdwrapper.perf.machine.Child;
import org.rbdwrapper.perf.machine.Environment;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.SplittableRandom;

/**
 * A user without any privilege who attacks the broker in every way that the client's tests know,
 * one after the other, beside the clients. It has an image of its own. Where this is not root's
 * run, there is none.
 *
 * <p>One thread.
 */
final class HostileNeighbour implements AutoCloseable {
    private static final long UID = 65_534;
    private static final long SIZE = 256L << 20;
    private static final String MAIN = "org.rbdwrapper.client.hostile.siege.HostileUser";

    private final Environment environment;
    private final SoakBroker broker;
    private final SplittableRandom random;
    private final String path;
    private final double longestSeconds;
    private int number;
    private int attacks;
    private Child child;
    private Path output;

    /**
     * @param longestSeconds that it will go on for.
     */
    HostileNeighbour(Environment environment, SoakBroker broker, double longestSeconds, long seed)
            throws IOException {
        this.environment = environment;
        this.broker = broker;
        this.longestSeconds = longestSeconds;
        this.random = new SplittableRandom(seed);
        if (ProcessIdentity.uid() != 0) {
            Soak.say("no hostile user: only root can have processes of another");
            path = null;
            return;
        }
        // what it may not read below has a mode of its own
        Files.setPosixFilePermissions(
                environment.scratch().path(), PosixFilePermissions.fromString("rwx--x--x"));
        path = createImage();
    }

    /** Written to once: what the broker keeps of an image from then on is there from the start. */
    private String createImage() throws IOException {
        OptionalLong uid = OptionalLong.of(UID);
        String created;
        try (BrokerAdmin admin = broker.admin()) {
            admin.create("hostile", SIZE);
            created =
                    admin.map(
                            new MapRequest(
                                    "hostile", "", false, uid, uid, MapRequest.DEFAULT_MODE, ""));
        }
        try (RbdFile file = RbdFile.openAt(broker.runDir(), created)) {
            file.write(ByteBuffer.allocate(1), 0);
        }
        return created;
    }

    void resume() throws IOException {
        if (path == null || child != null) {
            return;
        }
        String name = "hostile-" + ++number;
        output = environment.scratch().resolve(name + ".out");
        Path folder = environment.scratch().resolve(name);
        List<String> command =
                environment.java(
                        MAIN, environment.root().resolve("client-lib/target/test-classes"));
        command.addAll(
                List.of(
                        broker.runDir().toString(),
                        folder.toString(),
                        path,
                        Long.toString((long) longestSeconds),
                        Long.toString(random.nextLong())));
        child = Child.start(name, command, Map.of(), output);
    }

    /**
     * Its attack ends with it.
     *
     * @throws IOException where it has ended by itself, and badly.
     */
    void pause() throws IOException {
        if (child == null) {
            return;
        }
        if (child.failedWith("")) {
            throw child.failure("does not attack any more");
        }
        child.kill();
        child = null;
        attacks +=
                Files.readAllLines(output).stream()
                        .filter(line -> line.startsWith("attacks "))
                        .mapToInt(line -> 1)
                        .sum();
    }

    int attacks() {
        return attacks;
    }

    @Override
    public void close() {
        if (child != null) {
            child.kill();
        }
    }

    @Override
    public String toString() {
        return "the hostile user";
    }
}
