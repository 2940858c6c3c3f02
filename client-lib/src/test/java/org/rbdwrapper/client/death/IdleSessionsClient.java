package org.rbdwrapper.client.death;

import org.rbdwrapper.client.MappedSegments;
import org.rbdwrapper.client.RbdBuffer;
import org.rbdwrapper.client.RbdFile;

import java.io.File;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Looks at what a program holds of the broker's when it has no file open.
 *
 * <p>Arguments: what is to be shown, as the methods are called; run directory, path.
 */
public final class IdleSessionsClient {
    private static final int LIMIT_SECONDS = 40;
    private static final int LOADERS = 10;
    private static final int LONGER_THAN_IDLE_SECONDS = 12;

    private final Path runDir;
    private final String path;

    private IdleSessionsClient(String runDir, String path) {
        this.runDir = Path.of(runDir);
        this.path = path;
    }

    public static void main(String[] args) throws Exception {
        IdleSessionsClient client = new IdleSessionsClient(args[1], args[2]);
        switch (args[0]) {
            case "end" -> client.end();
            case "reuse" -> client.reuse();
            case "keepBuffers" -> client.keepBuffers();
            case "endWithoutBroker" -> client.endWithoutBroker();
            case "leaveLoaders" -> client.leaveLoaders();
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    private void end() throws Exception {
        for (int i = 0; i < 2; i++) {
            use(runDir.toString(), path);
            expect(held().contains("segment"), "nothing held at once after the last file");
            awaitNone("held for ever: ", IdleSessionsClient::held);
        }
    }

    private void reuse() throws Exception {
        RbdFile.openAt(runDir, path).close();
        List<Long> first = livenessThreads();
        for (int i = 0; i < LONGER_THAN_IDLE_SECONDS; i++) {
            Thread.sleep(1000);
            RbdFile.openAt(runDir, path).close();
        }
        expect(first.equals(livenessThreads()), "connected again meanwhile");
        try (RbdFile file = RbdFile.openAt(runDir, path)) {
            Thread.sleep(1000L * LONGER_THAN_IDLE_SECONDS);
            file.read(ByteBuffer.allocate(1), 0);
        }
        expect(first.equals(livenessThreads()), "ended while a file was open");
    }

    private void keepBuffers() throws Exception {
        try (RbdBuffer kept = buffer()) {
            Thread.sleep(1000L * LONGER_THAN_IDLE_SECONDS);
            expect(livenessThreads().size() == 1, "not the buffer's session alone: " + held());
            kept.bytes().put(0, (byte) 7);
            try (RbdFile file = RbdFile.openAt(runDir, path)) {
                file.writeAsync(kept.bytes().duplicate(), 0).get();
                ByteBuffer back = ByteBuffer.allocate(1);
                file.read(back, 0);
                expect(back.get(0) == 7, "not written");
            }
        }
        awaitNone("held for ever: ", IdleSessionsClient::held);
    }

    private RbdBuffer buffer() throws IOException {
        try (RbdFile file = RbdFile.openAt(runDir, path)) {
            return file.allocate(1 << 20);
        }
    }

    /** The broker is killed when this says so. */
    private void endWithoutBroker() throws Exception {
        RbdFile file = RbdFile.openAt(runDir, path);
        file.readAsync(ByteBuffer.allocate(1), 0).get();
        System.out.println("in use");
        System.in.read(); // until it is killed
        file.close();
        // but for those that will tell the next broker of their end
        awaitNone("mapped for ever: ", MappedSegments::all);
        System.out.println("without a broker");
        awaitNone("held for ever: ", IdleSessionsClient::held);
    }

    private void leaveLoaders() throws Exception {
        List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
        for (int i = 0; i < LOADERS; i++) {
            loaders.add(new WeakReference<>(useByItsOwnLoader()));
        }
        awaitNone(
                "left: ",
                () -> {
                    System.gc();
                    loaders.removeIf(loader -> loader.get() == null);
                    return loaders;
                });
        awaitNone("held for ever: ", IdleSessionsClient::held);
    }

    /** As an application server does that deploys a program again and again. */
    private ClassLoader useByItsOwnLoader() throws Exception {
        List<URL> classPath = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            classPath.add(url(entry));
        }
        ClassLoader loader =
                new URLClassLoader(
                        classPath.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
        Thread.currentThread().setContextClassLoader(loader);
        try {
            loader.loadClass(IdleSessionsClient.class.getName())
                    .getDeclaredMethod("use", String.class, String.class)
                    .invoke(null, runDir.toString(), path);
        } finally {
            Thread.currentThread().setContextClassLoader(null);
        }
        return loader;
    }

    private static URL url(String entry) throws MalformedURLException {
        return Path.of(entry).toUri().toURL();
    }

    /** In all three ways that there are, each of which has a session. */
    public static void use(String runDir, String path) throws Exception {
        try (RbdFile file = RbdFile.openAt(Path.of(runDir), path);
                RbdBuffer buffer = file.allocate(1 << 20)) {
            file.write(ByteBuffer.allocate(512), 0);
            file.writeAsync(ByteBuffer.allocate(512), 0).get();
            file.writeAsync(buffer.bytes(), 0).get();
        }
    }

    /** What is still there. */
    @FunctionalInterface
    private interface Rest {
        Collection<?> now() throws IOException;
    }

    private static void awaitNone(String otherwise, Rest rest) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!rest.now().isEmpty()) {
            expect(System.nanoTime() < deadline, otherwise + rest.now());
            Thread.sleep(100);
        }
    }

    /** Kinds of what there is. */
    private static Set<String> held() throws IOException {
        Set<String> held = new TreeSet<>();
        if (!MappedSegments.all().isEmpty()) {
            held.add("segment");
        }
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("rbdw-") && !thread.getName().contains("lost")) {
                held.add(thread.getName());
            }
        }
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors.toList()) {
                if (Files.exists(descriptor, java.nio.file.LinkOption.NOFOLLOW_LINKS)
                        && Files.readSymbolicLink(descriptor).toString().startsWith("socket:")) {
                    held.add("socket");
                }
            }
        }
        return held;
    }

    private static List<Long> livenessThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("rbdw-liveness"))
                .map(Thread::threadId)
                .sorted()
                .toList();
    }

    private static void expect(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
