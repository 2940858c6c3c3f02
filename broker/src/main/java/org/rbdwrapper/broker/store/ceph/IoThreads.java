package org.rbdwrapper.broker.store.ceph;

import com.ceph.rados.exceptions.RadosException;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which threads of this process carry the I/O of a connection: librados tells nobody, but it names
 * them, and starts them when it connects. Any thread; connections are made one after the other.
 */
final class IoThreads {
    private static final Logger LOG = LoggerFactory.getLogger(IoThreads.class);
    private static final Path TASKS = Path.of("/proc/self/task");

    /** What each request and each response passes: the sockets' thread, and that of completions. */
    private static final Set<String> NAMES = Set.of("msgr-worker", "io_context_pool");

    private IoThreads() {}

    /** What starts them. */
    @FunctionalInterface
    interface Start {
        void run() throws RadosException;
    }

    /** The kernel's ids of the threads that it started; none where they are not to be known. */
    static synchronized int[] startedBy(Start start) throws RadosException {
        Set<Integer> before = running();
        start.run();
        Set<Integer> started = running();
        started.removeAll(before);
        return started.stream().mapToInt(Integer::intValue).toArray();
    }

    private static Set<Integer> running() {
        Set<Integer> running = new TreeSet<>();
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(TASKS)) {
            for (Path task : tasks) {
                if (isOne(task)) {
                    running.add(Integer.valueOf(task.getFileName().toString()));
                }
            }
        } catch (IOException e) {
            LOG.info("threads of librados cannot be told from others: {}", e.toString());
            return new TreeSet<>();
        }
        return running;
    }

    private static boolean isOne(Path task) {
        try {
            String name = Files.readString(task.resolve("comm"), StandardCharsets.ISO_8859_1);
            return NAMES.stream().anyMatch(name::startsWith);
        } catch (IOException e) {
            return false; // it has ended: ENOENT, or ESRCH
        }
    }
}
