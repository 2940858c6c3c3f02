package org.rbdwrapper.broker.testing;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A process that has ended, and whose parent never asks for it, as in many a container. */
public final class UnreapedProcess implements AutoCloseable {
    private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final Process parent;
    private final long pid;

    private UnreapedProcess(Process parent, long pid) {
        this.parent = parent;
        this.pid = pid;
    }

    /** Returns when it has ended. */
    public static UnreapedProcess start() throws IOException, InterruptedException {
        Process parent =
                new ProcessBuilder("sh", "-c", "sleep 0.1 & echo $!; exec sleep 600").start();
        BufferedReader output = parent.inputReader(StandardCharsets.US_ASCII);
        UnreapedProcess process = new UnreapedProcess(parent, Long.parseLong(output.readLine()));
        try {
            awaitEndOfFirstThread(process.pid());
        } catch (IOException e) {
            process.close();
            throw e;
        }
        return process;
    }

    /** The kernel says that it is a zombie. */
    public static void awaitEndOfFirstThread(long pid) throws IOException, InterruptedException {
        Path status = Path.of("/proc", Long.toString(pid), "status");
        long deadline = System.nanoTime() + LIMIT_NANOS;
        while (!Files.readString(status).contains("\nState:\tZ")) {
            if (System.nanoTime() - deadline > 0) {
                throw new IOException("process " + pid + " does not end");
            }
            Thread.sleep(5);
        }
    }

    public long pid() {
        return pid;
    }

    @Override
    public void close() {
        parent.destroyForcibly();
    }
}
