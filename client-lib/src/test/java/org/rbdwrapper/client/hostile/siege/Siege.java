package org.rbdwrapper.client.hostile.siege;

import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.client.admin.MappingInfo;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * A broker, a victim whose throughput and latencies are measured, and one attack after the other
 * beside it: alone, beside, alone, beside and so on in one run, so that what the host does
 * meanwhile is in both. Victim and attacker are processes of two users without privileges, which
 * needs root.
 *
 * <p>One thread.
 */
final class Siege implements AutoCloseable {
    static final int ATTACKER = 65_534;
    static final int VICTIM = 65_533;

    /** What makes a list of mappings as long as on a host with some. */
    private static final int OTHER_MAPPINGS = 100;

    private static final long SMALL = 1 << 20;

    /** So many objects that one discard takes seconds, and not the host's memory. */
    private static final long HUGE_ON_CEPH = 256L << 30;

    private static final long BEGIN_MILLIS = 60_000;
    private static final long ANSWER_MILLIS = 10_000;
    private static final long SETTLE_MILLIS = 12_000;
    private static final int WARM_MILLIS = 2_000;
    private static final int CHANGE_MILLIS = 100;
    private static final long HELD_UP_NANOS = 1_000_000_000L;

    private final Path folder;
    private final String store;
    private final OtherUser users;
    private final Set<String> images = new TreeSet<>();
    private BesiegedProcess broker;
    private Dialogue victim;

    /**
     * @param store as {@code --store} has it.
     */
    Siege(String store) throws Exception {
        this.store = store;
        this.folder = Files.createTempDirectory("rbdw-siege-");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        this.users = new OtherUser(Files.createDirectory(folder.resolve("classes")));
    }

    /** Whether the store has the pools that it needs. */
    boolean canHave(Attack attack) {
        return attack.needs() != Attack.Needs.SICK_POOL || !isOnCeph();
    }

    private boolean isOnCeph() {
        return store.startsWith("ceph");
    }

    /**
     * Attacks in so many rounds. A broker that did not get over the attack before is replaced
     * first.
     *
     * @param millis of each of a round's two phases.
     */
    Outcome attack(Attack attack, int rounds, long millis) throws Exception {
        try {
            if (broker == null) {
                begin();
            }
            return attackBroker(attack, rounds, millis);
        } catch (Exception e) {
            String said = broker == null ? "" : broker.output();
            abandon();
            throw new IOException(attack + ": " + e.getMessage() + "\n" + said, e);
        }
    }

    private Outcome attackBroker(Attack attack, int rounds, long millis) throws Exception {
        Map<String, Long> before = broker.mostHeld();
        long memory = broker.memoryKib();
        broker.forgetMostMemory();
        List<Measurement> alone = new ArrayList<>();
        List<Measurement> beside = new ArrayList<>();
        List<Cores> cores = new ArrayList<>();
        List<String> left = List.of();
        String said = "";
        for (int round = 0; round < rounds; round++) {
            alone.add(measure(millis));
            try (Dialogue attacker = attacker(attack, (int) (millis / 1000) + 60)) {
                if (attack.isOfSickPool()) {
                    broker.sicken(true);
                    awaitDone(attacker, attacker.lastLine());
                }
                Thread.sleep(CHANGE_MILLIS);
                Cores begun = Cores.seconds(attacker, broker, victim);
                beside.add(measure(millis));
                cores.add(Cores.seconds(attacker, broker, victim).since(begun, millis / 1e3));
                said = attacker.lastLine();
            } finally {
                broker.sicken(false);
            }
            // what it has begun may go on: then the victim would not be alone
            left = broker.awaitNoMoreThan(before, SETTLE_MILLIS);
        }
        long most = broker.mostMemoryKib();
        long kept = broker.memoryKib();
        // the JVM opens a file or begins a thread by need; what else is left may be in the way
        boolean isOver = left.stream().allMatch(l -> l.matches("(descriptor|thread) .*"));
        String lost = isOver ? null : end();
        return new Outcome(
                attack, alone, beside, left, lost, memory, most, kept, Cores.mean(cores), said);
    }

    /** Until it has attacked twice more, or is itself held up by that. */
    private static void awaitDone(Dialogue attacker, String before) throws InterruptedException {
        long deadline = System.nanoTime() + HELD_UP_NANOS;
        long done = sum(before) + 2;
        while (sum(attacker.lastLine()) < done && System.nanoTime() - deadline < 0) {
            Thread.sleep(1);
        }
    }

    /** What an attacker has done, and was refused. */
    private static long sum(String said) {
        String[] words = said.split(" ");
        return words.length < 4 ? 0 : Long.parseLong(words[1]) + Long.parseLong(words[3]);
    }

    /**
     * The victim reads all that it has written, and the broker ends.
     *
     * @return what is lost, in words; null: nothing.
     */
    String end() throws Exception {
        if (broker == null) {
            return null;
        }
        try {
            victim.tell("verify");
            victim.await("verified", BEGIN_MILLIS);
            if (isOnCeph()) {
                removeImages();
            }
            return null;
        } catch (IOException e) {
            return "verify: " + e.getMessage();
        } finally {
            abandon();
        }
    }

    /** Others use the cluster, too. */
    private void removeImages() throws ErrnoException {
        victim.close();
        try (BrokerAdmin admin = broker.admin()) {
            for (MappingInfo mapping : admin.mappings()) {
                admin.unmap(mapping.path(), true);
            }
            for (String image : images) {
                admin.remove(image, (done, total) -> {});
            }
        }
    }

    private Measurement measure(long millis) throws IOException, InterruptedException {
        victim.tell("measure " + millis);
        return Measurement.parse(victim.await("measured", millis + ANSWER_MILLIS));
    }

    private Dialogue attacker(Attack attack, int seconds) throws Exception {
        Dialogue attacker =
                new Dialogue(
                        users.start(
                                ATTACKER,
                                Attacker.class,
                                attack.name(),
                                broker.runDir().toString(),
                                Integer.toString(seconds)));
        try {
            if (!attack.name().startsWith("COMPUTE")) {
                attacker.await("attacking", BEGIN_MILLIS);
            }
            return attacker;
        } catch (IOException e) {
            attacker.close();
            throw new IOException("it does not begin: " + e.getMessage(), e);
        }
    }

    private void begin() throws Exception {
        Path own = Files.createDirectory(folder.resolve("broker"));
        Files.setPosixFilePermissions(own, PosixFilePermissions.fromString("rwxr-xr-x"));
        broker = BesiegedProcess.start(own, store);
        try (BrokerAdmin admin = broker.admin()) {
            String victims = map(admin, "victim", Victim.SIZE, VICTIM, 0600);
            String more = map(admin, "more", SMALL, VICTIM, 0600);
            String common = map(admin, "common", SMALL, VICTIM, 0644);
            map(admin, "foe", Ground.OWN_SIZE, ATTACKER, 0600);
            // a cluster is slow by itself, and sick when it is made so
            String slow = isOnCeph() ? "" : BesiegedStore.SLOW + "/";
            map(admin, slow + "slow", Ground.OWN_SIZE, ATTACKER, 0600);
            long huge = isOnCeph() ? HUGE_ON_CEPH : Ground.HUGE_SIZE;
            map(admin, slow + "huge", huge, ATTACKER, 0600);
            if (!isOnCeph()) {
                for (int i = 0; i < Ground.SICK_IMAGES; i++) {
                    map(admin, BesiegedStore.SICK + "/sick-" + i, SMALL, 0, 0666);
                }
            }
            for (int i = 0; i < OTHER_MAPPINGS; i++) {
                admin.map(request("more", "other-" + i, 0, 0600));
            }
            victim =
                    new Dialogue(
                            users.start(
                                    VICTIM,
                                    Victim.class,
                                    broker.runDir().toString(),
                                    victims,
                                    more,
                                    common));
        }
        victim.await("ready", BEGIN_MILLIS);
        warmUp();
    }

    /**
     * Every messenger has its connection and has been used, and what is called often is compiled.
     */
    private void warmUp() throws Exception {
        RawLine[] lines = new RawLine[4];
        for (int i = 0; i < lines.length; i++) {
            lines[i] = new RawLine(broker.runDir()).hello(1, 2, 64 * 1024);
            lines[i].open("/rbdw/common", false);
        }
        try (Dialogue reader = attacker(Attack.READS_SMALL, 60)) {
            measure(WARM_MILLIS);
            reader.await("did", ANSWER_MILLIS);
        }
        for (RawLine line : lines) {
            line.close();
        }
    }

    private String map(BrokerAdmin admin, String spec, long size, int uid, int mode)
            throws ErrnoException {
        images.add(spec);
        try {
            admin.create(spec, size);
        } catch (ErrnoException e) {
            if (!e.errno().equals(Errno.EEXIST)) { // of the broker before, on a cluster
                throw e;
            }
        }
        return admin.map(request(spec, spec.substring(spec.indexOf('/') + 1), uid, mode));
    }

    private static MapRequest request(String spec, String name, int uid, int mode) {
        return new MapRequest(
                spec, name, false, OptionalLong.of(uid), OptionalLong.of(uid), mode, "");
    }

    private void abandon() throws IOException {
        if (victim != null) {
            victim.close();
        }
        if (broker != null) {
            broker.close();
        }
        victim = null;
        broker = null;
        delete(folder.resolve("broker"));
    }

    @Override
    public void close() throws IOException {
        abandon();
        delete(folder);
    }

    private static void delete(Path top) throws IOException {
        if (!Files.exists(top)) {
            return;
        }
        List<Path> paths;
        try (Stream<Path> walk = Files.walk(top)) {
            paths = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : paths) {
            Files.delete(path);
        }
    }
}
