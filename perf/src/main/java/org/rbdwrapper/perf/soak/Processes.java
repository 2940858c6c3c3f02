package org.rbdwrapper.perf.soak;

import org.rbdwrapper.perf.machine.Child;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The processes that run at the moment, each with its output in a file of one folder; at the end
 * they are killed.
 *
 * <p>Any thread.
 */
final class Processes implements AutoCloseable {
    private final Path folder;
    private final Set<Child> running = ConcurrentHashMap.newKeySet();
    private final AtomicLong number = new AtomicLong();
    private volatile boolean closed;

    Processes(Path folder) throws IOException {
        this.folder = Files.createDirectories(folder);
    }

    Child start(String name, List<String> command, Map<String, String> environment)
            throws IOException {
        Path output = folder.resolve(number.incrementAndGet() + "-" + name + ".out");
        Child child = Child.start(output.toString(), command, environment, output);
        running.add(child);
        if (closed) {
            child.kill();
        }
        return child;
    }

    /** Kills it where it still runs, and forgets what it has printed. */
    void forget(Child child) throws IOException {
        child.kill();
        if (running.remove(child)) {
            Files.deleteIfExists(Path.of(child.name()));
        }
    }

    /** Its output stays. */
    void keepOutput(Child child) {
        child.kill();
        running.remove(child);
    }

    @Override
    public void close() {
        closed = true;
        running.forEach(Child::kill);
    }

    @Override
    public String toString() {
        return "the processes in " + folder;
    }
}
