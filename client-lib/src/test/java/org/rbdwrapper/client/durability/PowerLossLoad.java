package org.rbdwrapper.client.durability;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import org.rbdwrapper.broker.RunDirectory;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.stream.Stream;

/**
 * A process that starts a broker on an empty state directory, has several writers work on images of
 * their own and somebody make and remove images all the time, and replaces the broker in between,
 * by SIGKILL and by a stop in turns.
 *
 * <p>Arguments: state directory, run directory, file of {@link Marks}, seconds, replacements, seed.
 */
public final class PowerLossLoad {
    private static final int WRITERS = 3;
    private static final int LOOK_MILLIS = 5;
    private static final int STOPPED_LOOKS = 20;
    private static final int MOST_LOOKS = 12_000;

    private final Path stateDir;
    private final Path runDir;
    private final Marks marks;

    /** Held for writing while the broker is replaced: what is administered then is not known. */
    private final ReadWriteLock replacement = new ReentrantReadWriteLock();

    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private volatile boolean ended;

    private PowerLossLoad(Path stateDir, Path runDir, Marks marks) {
        this.stateDir = stateDir;
        this.runDir = runDir;
        this.marks = marks;
    }

    /** Something that is asked of a broker's administration. */
    interface Administration {
        void perform(BrokerAdmin admin) throws IOException;
    }

    public static void main(String[] args) throws Exception {
        try (Marks marks = new Marks(Path.of(args[2]))) {
            new PowerLossLoad(Path.of(args[0]), Path.of(args[1]), marks)
                    .run(
                            Long.parseLong(args[3]) * 1000,
                            Integer.parseInt(args[4]),
                            Long.parseLong(args[5]));
        }
    }

    private void run(long millis, int replacements, long seed) throws Exception {
        SplittableRandom random = new SplittableRandom(seed);
        JavaProcess broker = startBroker();
        try {
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                ImageWriter writer = new ImageWriter(this, marks, "image" + i, random.split());
                threads.add(start(writer::run));
            }
            threads.add(start(this::makeAndRemove));
            for (int i = 0; i <= replacements; i++) {
                Thread.sleep(millis / (replacements + 1));
                if (i < replacements) {
                    broker = replace(broker, i % 2 == 0);
                }
            }
            ended = true;
            for (Thread thread : threads) {
                thread.join();
            }
        } finally {
            broker.close();
        }
        if (failure.get() != null) {
            throw new IllegalStateException(failure.get());
        }
    }

    boolean isEnded() {
        return ended || failure.get() != null;
    }

    Path runDir() {
        return runDir;
    }

    /** Marked, acknowledged, and not while the broker is replaced. */
    void administer(String operation, Administration administration) throws IOException {
        replacement.readLock().lock();
        try (BrokerAdmin admin = connect()) {
            int number = marks.begin(operation);
            administration.perform(admin);
            marks.end(number);
        } finally {
            replacement.readLock().unlock();
        }
    }

    Thread start(Work work) {
        return Thread.ofPlatform()
                .start(
                        () -> {
                            try {
                                work.perform();
                            } catch (Throwable t) {
                                failure.compareAndSet(null, t);
                            }
                        });
    }

    /** What a thread does. */
    interface Work {
        void perform() throws Exception;
    }

    /**
     * Also while a broker is killed: nothing is known about these images but that they are whole.
     */
    private void makeAndRemove() throws InterruptedException {
        for (int i = 0; !isEnded(); i++) {
            String name = "passing" + i % 5;
            try (BrokerAdmin admin = connect()) {
                admin.create(name, 64 * 1024);
                admin.remove(name, (done, total) -> {});
            } catch (ErrnoException e) {
                if (e.errno().equals(Errno.EEXIST)) {
                    continue; // left by one who was killed
                }
                Thread.sleep(20); // nobody there
            }
        }
    }

    private BrokerAdmin connect() throws ErrnoException {
        return BrokerAdmin.connect("load", ControlConnection.connect(List.of(runDir)));
    }

    private JavaProcess replace(JavaProcess broker, boolean kill) throws Exception {
        replacement.writeLock().lock();
        try {
            if (kill) {
                freeze(broker);
            } else {
                RunDirectory.announceSuccessor(runDir);
                broker.process().destroy();
                broker.process().onExit().join();
            }
            broker.close();
            return startBroker();
        } finally {
            replacement.writeLock().unlock();
        }
    }

    /**
     * Stops all its threads between two calls. One that is killed in a call may have done it, and
     * who records it does not hear of that.
     */
    private static void freeze(JavaProcess broker) throws IOException, InterruptedException {
        broker.freeze();
        long pid = broker.process().pid();
        // a thread whose call is just being recorded is stopped, too, but not for long
        int stopped = 0;
        for (int looks = 0; stopped < STOPPED_LOOKS; looks++) {
            if (looks == MOST_LOOKS) {
                throw new IOException("the broker (pid " + pid + ") does not stop");
            }
            Thread.sleep(LOOK_MILLIS);
            stopped = isStopped(pid) ? stopped + 1 : 0;
        }
    }

    private static boolean isStopped(long pid) throws IOException {
        try (Stream<Path> threads = Files.list(Path.of("/proc", Long.toString(pid), "task"))) {
            for (Path thread : threads.toList()) {
                String stat = Files.readString(thread.resolve("stat"), ISO_8859_1);
                char state = stat.charAt(stat.lastIndexOf(')') + 2);
                if (state != 't' && state != 'T') {
                    return false;
                }
            }
            return true;
        } catch (NoSuchFileException e) {
            return false; // a thread has just ended
        }
    }

    private JavaProcess startBroker() throws Exception {
        JavaProcess broker =
                JavaProcess.start(
                        Map.of(),
                        "org.rbdwrapper.broker.cli.BrokerMain",
                        "start",
                        "--foreground",
                        "--run-dir",
                        runDir.toString(),
                        "--state-dir",
                        stateDir.toString(),
                        "--store",
                        "file");
        broker.awaitLine("ready");
        return broker;
    }
}
