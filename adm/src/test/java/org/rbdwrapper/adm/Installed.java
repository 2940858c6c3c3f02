package org.rbdwrapper.adm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The install tree as a user has it: the launchers as processes, with folders of their own. */
final class Installed implements AutoCloseable {
    private static final Path TREE = Path.of("target", "rbdwrapper").toAbsolutePath();
    private static final Path C_TOOL =
            Path.of("..", "client-lib", "target", "c", "rbdw_tool").toAbsolutePath().normalize();

    final Path folder;
    private final Path tree;

    Installed() throws IOException {
        folder = Files.createTempDirectory("rbdw-");
        tree = TREE;
    }

    private Installed(Path folder, Path tree) {
        this.folder = folder;
        this.tree = tree;
    }

    /**
     * A copy that every user of the host can read and run: the checkout may be where only its owner
     * comes.
     */
    static Installed forEveryUser() throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("rbdw-");
        Path copy = folder.resolve("tree");
        for (List<String> words :
                List.of(
                        List.of("cp", "-r", TREE.toString(), copy.toString()),
                        List.of("cp", C_TOOL.toString(), copy.resolve("lib").toString()),
                        List.of("chmod", "-R", "a+rX", folder.toString()))) {
            if (new ProcessBuilder(words).inheritIO().start().waitFor() != 0) {
                throw new IOException(words + " failed");
            }
        }
        return new Installed(folder, copy);
    }

    /** The C program that reads and writes images; of {@link #forEveryUser}. */
    Path cTool() {
        return tree.resolve("lib").resolve("rbdw_tool");
    }

    /** What a command did. */
    record Result(int code, String out, String err) {}

    Path runDir() {
        return folder.resolve("run");
    }

    Path stateDir() {
        return folder.resolve("state");
    }

    Result adm(String... arguments) throws IOException, InterruptedException {
        return run(List.of(), "rbdwrapper-adm", arguments);
    }

    Result broker(String... arguments) throws IOException, InterruptedException {
        return run(List.of(), "rbdwrapper-broker", arguments);
    }

    /** With words before the launcher, such as setpriv's. */
    Result run(List<String> prefix, String launcher, String... arguments)
            throws IOException, InterruptedException {
        Path out = Files.createTempFile(folder, "out", "");
        Path err = Files.createTempFile(folder, "err", "");
        return await(
                launch(prefix, out, err, launcher, arguments),
                out,
                err,
                launcher + " " + String.join(" ", arguments));
    }

    /** A line as a person types it, in this folder, with the tree's programs on the PATH. */
    Result typed(Path directory, String line) throws IOException, InterruptedException {
        Path out = Files.createTempFile(folder, "out", "");
        Path err = Files.createTempFile(folder, "err", "");
        ProcessBuilder builder =
                prepare(List.of("bash", "-o", "pipefail", "-c", line), out, err)
                        .directory(directory.toFile());
        builder.environment()
                .merge(
                        "PATH",
                        ":/usr/sbin:/sbin",
                        (path, more) -> tree.resolve("bin") + ":" + path + more);
        return await(builder.start(), out, err, line);
    }

    private static Result await(Process process, Path out, Path err, String what)
            throws IOException, InterruptedException {
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new IOException(what + " does not end");
        }
        Result result =
                new Result(process.exitValue(), Files.readString(out), Files.readString(err));
        Files.delete(out);
        Files.delete(err);
        return result;
    }

    /** The same without waiting for its end. */
    Process launch(List<String> prefix, Path out, Path err, String launcher, String... arguments)
            throws IOException {
        List<String> words = new ArrayList<>(prefix);
        words.add(tree.resolve("bin").resolve(launcher).toString());
        words.addAll(List.of(arguments));
        return prepare(words, out, err).start();
    }

    /**
     * A broker in the foreground of a process that these words make of it; returns when it is
     * ready.
     */
    Process startForeground(List<String> prefix, String store)
            throws IOException, InterruptedException {
        Path out = Files.createTempFile(folder, "broker", ".out");
        Process process =
                launch(
                        prefix,
                        out,
                        out,
                        "rbdwrapper-broker",
                        "start",
                        "--foreground",
                        "--store",
                        store);
        while (!Files.readString(out).contains("ready; log: ")) {
            if (!process.isAlive()) {
                throw new IOException("the broker has ended: " + Files.readString(out));
            }
            Thread.sleep(20);
        }
        return process;
    }

    private ProcessBuilder prepare(List<String> words, Path out, Path err) {
        ProcessBuilder builder =
                new ProcessBuilder(words).redirectOutput(out.toFile()).redirectError(err.toFile());
        builder.environment().put("RBDW_RUN_DIR", runDir().toString());
        builder.environment().put("RBDW_STATE_DIR", stateDir().toString());
        // as in a container
        builder.environment().remove("LANG");
        builder.environment().remove("LC_ALL");
        return builder;
    }

    /** Processes that have this test's folder among their arguments. */
    List<ProcessHandle> leftRunning() {
        return ProcessHandle.allProcesses()
                .filter(
                        process ->
                                process.info().commandLine().orElse("").contains(folder.toString()))
                .toList();
    }

    /** Of the running broker, as it says itself. */
    Optional<ProcessHandle> brokerProcess() throws IOException {
        Path file = runDir().resolve("broker.pid");
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        return ProcessHandle.of(Long.parseLong(Files.readString(file).strip()));
    }

    @Override
    public void close() throws IOException {
        try {
            broker("stop");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        brokerProcess().ifPresent(ProcessHandle::destroyForcibly);
        try (Stream<Path> walk = Files.walk(folder)) {
            for (Path path : walk.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
