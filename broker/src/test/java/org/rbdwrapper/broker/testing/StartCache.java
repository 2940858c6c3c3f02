package org.rbdwrapper.broker.testing;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * The cache of loaded classes (JEP 483) that Java programs of the tests start from: with it a
 * broker is ready for a third of the processor's time. Made by {@link StartTraining} when the first
 * program of a test run starts, and kept in the build folder for as long as no class changes.
 *
 * <p>The JVM takes no folders into such a cache: folders of this JVM's class path are put into
 * archives beside it.
 */
final class StartCache {
    private static final Path FOLDER = Path.of("target", "start-cache").toAbsolutePath();

    /** Set once, by the first who asks, under the class's lock. */
    private static String classPath;

    private static List<String> options;

    private StartCache() {}

    /** This JVM's class path, without folders. */
    static synchronized String classPath() throws IOException {
        if (classPath == null) {
            Files.createDirectories(FOLDER);
            List<String> archives = new ArrayList<>();
            for (String entry :
                    System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
                Path path = Path.of(entry).toAbsolutePath();
                if (Files.isRegularFile(path)) {
                    archives.add(path.toString());
                } else if (!entry.isEmpty() && Files.isDirectory(path)) {
                    archives.add(archive(path).toString());
                }
            }
            classPath = String.join(File.pathSeparator, archives);
        }
        return classPath;
    }

    /** Those by which a JVM with {@link #classPath} uses the cache. */
    static synchronized List<String> options() throws IOException {
        if (options == null) {
            StringBuilder contents = new StringBuilder();
            for (String archive : classPath().split(File.pathSeparator, -1)) {
                contents.append(identity(Path.of(archive))).append('\n');
            }
            Path cache = FOLDER.resolve(digest(contents) + ".aot");
            if (!Files.exists(cache)) {
                train(cache);
            }
            options = List.of("-XX:AOTCache=" + cache, "-Xlog:aot*=off,cds*=off");
        }
        return options;
    }

    private static void train(Path cache) throws IOException {
        Path made = Files.createTempFile(FOLDER, "training-", ".aot");
        Path output = Files.createTempFile(FOLDER, "training-", ".out");
        List<String> words = new ArrayList<>();
        words.add(JavaCommand.java());
        words.add("-XX:AOTCacheOutput=" + made);
        JavaCommand.addProgram(
                words, classPath(), "org.rbdwrapper.broker.testing.StartTraining", List.of());
        Files.delete(made); // the JVM writes it as it ends, and this name is nobody else's
        Process training =
                new ProcessBuilder(words)
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        try {
            if (!training.waitFor(3, TimeUnit.MINUTES) || !Files.exists(made)) {
                throw new IOException("no cache was made: " + Files.readString(output));
            }
            Files.move(made, cache, StandardCopyOption.ATOMIC_MOVE);
            Files.delete(output);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        } finally {
            training.destroyForcibly();
        }
    }

    /** What is below a folder, as an archive that is as old as its contents. */
    private static Path archive(Path folder) throws IOException {
        List<Path> files;
        try (Stream<Path> walk = Files.walk(folder, new FileVisitOption[0])) {
            files = walk.filter(Files::isRegularFile).sorted().toList();
        }
        StringBuilder contents = new StringBuilder();
        for (Path file : files) {
            contents.append(identity(file)).append('\n');
        }
        Path archive = FOLDER.resolve(digest(contents) + ".jar");
        if (!Files.exists(archive)) {
            Path made = Files.createTempFile(FOLDER, "archive-", ".jar");
            write(made, folder, files);
            Files.move(made, archive, StandardCopyOption.ATOMIC_MOVE);
        }
        return archive;
    }

    private static void write(Path archive, Path folder, List<Path> files) throws IOException {
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(archive))) {
            zip.setMethod(ZipOutputStream.STORED);
            for (Path file : files) {
                byte[] bytes = Files.readAllBytes(file);
                CRC32 sum = new CRC32();
                sum.update(bytes);
                ZipEntry entry = new ZipEntry(folder.relativize(file).toString());
                entry.setSize(bytes.length);
                entry.setCrc(sum.getValue());
                zip.putNextEntry(entry);
                zip.write(bytes);
            }
        }
    }

    private static String identity(Path file) throws IOException {
        return file + " " + Files.size(file) + " " + Files.getLastModifiedTime(file).toMillis();
    }

    private static String digest(CharSequence text) {
        CRC32 sum = new CRC32();
        sum.update(text.toString().getBytes(StandardCharsets.UTF_8));
        return Long.toHexString(sum.getValue()) + "-" + text.length();
    }
}
