package org.rbdwrapper.broker.testing;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The words that start a Java program with this JVM's classes and the broker's options. */
public final class JavaCommand {
    private JavaCommand() {}

    /**
     * Of a program that lives for seconds, as most of the tests do: starting JVMs is the larger
     * part of what the tests cost, so its classes come from a {@linkplain StartCache cache}, and
     * the compiler that pays off after a minute stays out.
     */
    public static List<String> shortLived(String main, List<String> arguments) throws IOException {
        List<String> words = new ArrayList<>();
        words.add(java());
        words.addAll(StartCache.options());
        words.add("-XX:TieredStopAtLevel=1");
        addProgram(words, StartCache.classPath(), main, arguments);
        return words;
    }

    /** Of a program whose speed is of interest. */
    public static List<String> longLived(String main, List<String> arguments) {
        List<String> words = new ArrayList<>();
        words.add(java());
        addProgram(words, System.getProperty("java.class.path"), main, arguments);
        return words;
    }

    static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    static void addProgram(
            List<String> words, String classPath, String main, List<String> arguments) {
        words.add("@" + Path.of("..", "broker", "src", "main", "jvm", "broker.jvmopts"));
        words.addAll(List.of("-Xmx256m", "-XX:+UseSerialGC", "-cp", classPath, main));
        words.addAll(arguments);
    }
}
