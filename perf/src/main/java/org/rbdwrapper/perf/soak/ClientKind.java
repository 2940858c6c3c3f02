package org.rbdwrapper.perf.soak;

import org.rbdwrapper.perf.machine.Environment;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** What comes, works for a while and goes. Each checks what it reads, where it reads its own. */
enum ClientKind {
    /** Threads, virtual threads, futures and buffers of {@code RbdFile}, held against a file. */
    JAVA_MODEL(3, false) {
        @Override
        List<String> command(Environment environment, Errand errand) {
            return testJava(
                    environment,
                    "org.rbdwrapper.client.ModelClient",
                    errand.runDir(),
                    errand.path(),
                    errand.model(),
                    ClientLife.SIZE,
                    0,
                    1,
                    2,
                    errand.seconds(),
                    errand.seed());
        }
    },
    /** Threads of librbdw, held against a file. */
    C_MODEL(4, false) {
        @Override
        List<String> command(Environment environment, Errand errand) {
            return testProgram(
                    environment,
                    "rbdw_model",
                    errand.path(),
                    errand.model(),
                    errand.seed(),
                    3,
                    errand.seconds());
        }
    },
    /** Under the preload library: what it has written is verified by its checksum. */
    FIO(4, false) {
        @Override
        List<String> command(Environment environment, Errand errand) {
            List<String> engines = List.of("psync", "libaio", "posixaio");
            return List.of(
                    environment.runCommand().toString(),
                    "fio",
                    "--name=soak",
                    "--thread",
                    "--filename=" + errand.path(),
                    "--ioengine=" + engines.get((int) (errand.seed() % engines.size())),
                    "--iodepth=8",
                    "--rw=randwrite",
                    "--bsrange=512-64k",
                    "--size=" + ClientLife.SIZE,
                    "--time_based",
                    "--runtime=" + errand.seconds(),
                    "--verify=crc32c",
                    "--verify_backlog=64",
                    "--verify_fatal=1",
                    "--verify_state_save=0",
                    "--output-format=terse");
        }
    },
    /** A short command under the preload library, which copies the shared image to its own. */
    DD(3, true) {
        @Override
        List<String> command(Environment environment, Errand errand) {
            return List.of(
                    environment.runCommand().toString(),
                    "dd",
                    "if=" + errand.shared(),
                    "of=" + errand.path(),
                    "bs=" + new SplittableRandom(errand.seed()).nextInt(4096, 1 << 20),
                    "iflag=fullblock",
                    "conv=fsync",
                    "status=none");
        }
    },
    /** A short command under the preload library: what it prints is known. */
    SUM(3, true) {
        @Override
        List<String> command(Environment environment, Errand errand) {
            return List.of(environment.runCommand().toString(), "sha256sum", errand.shared());
        }
    },
    /** A command that administers. */
    ADM(2, true) {
        @Override
        List<String> command(Environment environment, Errand errand) {
            String image = errand.path().substring("/rbdw/".length());
            List<List<String>> commands =
                    List.of(
                            List.of("showmapped"),
                            List.of("clients"),
                            List.of("info", image),
                            List.of("resize", image, "--size", (ClientLife.SIZE >> 20) + 8 + "M"));
            List<String> words = new ArrayList<>(List.of(environment.adminCommand().toString()));
            words.addAll(commands.get((int) (errand.seed() % commands.size())));
            return words;
        }
    },
    /** Processes that live some milliseconds, each of which is killed. */
    CHURN(1, true) {
        @Override
        List<String> command(Environment environment, Errand errand) {
            return testProgram(environment, "rbdw_churn", errand.path(), 60, 4, errand.seed());
        }
    },
    /** Talks nonsense, and damages what it shares with the broker. */
    HOSTILE(1, false) {
        @Override
        List<String> command(Environment environment, Errand errand) {
            return testJava(
                    environment,
                    "org.rbdwrapper.client.hostile.ScribblingClient",
                    errand.runDir(),
                    errand.path(),
                    errand.seconds(),
                    errand.seed());
        }
    };

    private final int weight;
    private final boolean isShort;

    ClientKind(int weight, boolean isShort) {
        this.weight = weight;
        this.isShort = isShort;
    }

    /**
     * What one is told.
     *
     * @param path of an image of its own.
     * @param shared the path of one that is only read.
     * @param model a file that is its own, too.
     * @param seconds it shall work, where it can be told.
     */
    record Errand(Path runDir, String path, String shared, Path model, int seconds, long seed) {}

    abstract List<String> command(Environment environment, Errand errand);

    /** Whether it ends when it has done something, instead of after a time. */
    boolean isShort() {
        return isShort;
    }

    /** Each as often as its weight says. */
    static ClientKind any(SplittableRandom random) {
        int sum = 0;
        for (ClientKind kind : values()) {
            sum += kind.weight;
        }
        int at = random.nextInt(sum);
        for (ClientKind kind : values()) {
            at -= kind.weight;
            if (at < 0) {
                return kind;
            }
        }
        throw new AssertionError("no kind");
    }

    /** A program of the client's tests, with their class path. */
    private static List<String> testJava(
            Environment environment, String main, Object... arguments) {
        List<String> words =
                new ArrayList<>(
                        environment.java(
                                main,
                                environment.root().resolve("client-lib/target/test-classes")));
        for (Object argument : arguments) {
            words.add(argument.toString());
        }
        return words;
    }

    private static List<String> testProgram(
            Environment environment, String name, Object... arguments) {
        List<String> words = new ArrayList<>();
        words.add(environment.root().resolve("client-lib/target/c").resolve(name).toString());
        for (Object argument : arguments) {
            words.add(argument.toString());
        }
        return words;
    }
}
