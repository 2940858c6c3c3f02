package org.rbdwrapper.client.hostile.siege;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.posix.ProcessIdentity;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Starts Java programs of the tests as other users, which needs root. They may not be able to read
 * the class path of this one: they get a copy of what they need of it.
 */
final class OtherUser {
    /** One class of each that is needed. */
    private static final List<Class<?>> NEEDED =
            List.of(UnsafeBuffer.class, Errno.class, RbdFile.class, OtherUser.class);

    private final String classPath;

    /**
     * @param folder empty, of its own; all users may read it from now on.
     */
    OtherUser(Path folder) throws IOException {
        List<String> copies = new ArrayList<>();
        for (Class<?> one : NEEDED) {
            CodeSource source = one.getProtectionDomain().getCodeSource();
            Path from = Path.of(source.getLocation().getPath());
            Path to = folder.resolve("classes-" + copies.size() + ending(from));
            copy(from, to);
            copies.add(to.toString());
        }
        classPath = String.join(":", copies);
        open(folder);
    }

    /** Whatever this process's umask is. */
    private static void open(Path folder) throws IOException {
        List<Path> all;
        try (Stream<Path> walk = Files.walk(folder)) {
            all = walk.toList();
        }
        for (Path one : all) {
            String mode = Files.isDirectory(one) ? "rwxr-xr-x" : "rw-r--r--";
            Files.setPosixFilePermissions(one, PosixFilePermissions.fromString(mode));
        }
    }

    /** Whether this process may become others, and they may use this Java. */
    static boolean canBe(int uid) throws IOException, InterruptedException {
        if (ProcessIdentity.uid() != 0) {
            return false;
        }
        List<String> words = javaAs(uid);
        words.add("-version");
        return new ProcessBuilder(words)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor()
                == 0;
    }

    private static List<String> javaAs(int uid) {
        List<String> words = new ArrayList<>();
        words.addAll(List.of("setpriv", "--reuid=" + uid, "--regid=" + uid, "--clear-groups"));
        words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        return words;
    }

    /** Its output and input are pipes; what it says of errors is where this one's is. */
    Process start(int uid, Class<?> main, String... arguments) throws IOException {
        List<String> words = javaAs(uid);
        words.add("--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED");
        words.add("--enable-native-access=ALL-UNNAMED");
        // it begins fast, and no compiler is at work while it is measured
        words.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m"));
        words.addAll(List.of("-cp", classPath, main.getName()));
        words.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(words);
        builder.environment().keySet().removeIf(name -> name.startsWith("RBDW_"));
        builder.environment().putAll(Map.of("RBDW_RECONNECT_TIMEOUT", "1"));
        builder.environment().remove("JAVA_TOOL_OPTIONS");
        builder.directory(Path.of("/").toFile());
        builder.redirectError(ProcessBuilder.Redirect.INHERIT);
        return builder.start();
    }

    private static String ending(Path from) {
        return Files.isDirectory(from) ? "" : ".jar";
    }

    private static void copy(Path from, Path to) throws IOException {
        if (!Files.isDirectory(from)) {
            Files.copy(from, to);
            return;
        }
        List<Path> all;
        try (Stream<Path> walk = Files.walk(from)) {
            all = walk.filter(OtherUser::isNeeded).toList();
        }
        for (Path one : all) {
            Path copy = to.resolve(from.relativize(one).toString());
            Files.createDirectories(copy.getParent());
            Files.copy(one, copy);
        }
    }

    /** Of the tests' classes these alone. */
    private static boolean isNeeded(Path file) {
        return file.toString().endsWith(".class")
                && (!file.toString().contains("test-classes")
                        || file.getParent().endsWith("siege"));
    }
}
