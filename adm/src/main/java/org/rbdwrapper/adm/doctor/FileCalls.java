package org.rbdwrapper.adm.doctor;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which of libc's calls that touch files are intercepted. What is, the preload library says itself
 * by what it exports; what is not, and what then happens on an image, stands in {@value #LEFT_OUT}.
 */
final class FileCalls {
    private static final String LEFT_OUT = "calls-not-intercepted.txt";

    private final Set<String> intercepted;
    private final Map<String, String> effects;
    private final Map<String, String> effectsByPrefix = new HashMap<>();

    FileCalls(ElfObject preloadLibrary) throws IOException {
        intercepted = preloadLibrary.exports();
        effects = leftOut();
        effects.forEach(
                (name, effect) -> {
                    if (name.endsWith("*")) {
                        effectsByPrefix.put(name.substring(0, name.length() - 1), effect);
                    }
                });
    }

    /** The resource: names, where they end with '*' beginnings of names, and their effects. */
    static Map<String, String> leftOut() throws IOException {
        Map<String, String> effects = new HashMap<>();
        try (BufferedReader lines =
                new BufferedReader(
                        new InputStreamReader(
                                FileCalls.class.getResourceAsStream(LEFT_OUT),
                                StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (!line.isBlank() && !line.startsWith("#")) {
                    String[] parts = line.split(": ", 2);
                    for (String name : parts[0].split(" ")) {
                        effects.put(name, parts[1].strip());
                    }
                }
            }
        }
        return effects;
    }

    boolean intercepts(String call) {
        return intercepted.contains(call);
    }

    /** What happens on an image; empty where the call is intercepted, or touches no files. */
    Optional<String> effectOfLeftOut(String call) {
        if (intercepts(call)) {
            return Optional.empty();
        }
        String effect = effects.get(call);
        if (effect != null) {
            return Optional.of(effect);
        }
        return effectsByPrefix.entrySet().stream()
                .filter(entry -> call.startsWith(entry.getKey()))
                .map(Map.Entry::getValue)
                .findFirst();
    }
}
