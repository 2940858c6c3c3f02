package org.rbdwrapper.perf.parts;

import org.rbdwrapper.perf.machine.Child;
import org.rbdwrapper.perf.machine.Environment;

import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Short commands. */
final class Commands {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private Commands() {}

    /** What it printed. */
    static String run(Environment environment, Map<String, String> variables, String... command)
            throws IOException {
        Map<String, String> all = new HashMap<>(variables);
        all.put("RBDW_JAVA_HOME", System.getProperty("java.home"));
        try (Child child =
                Child.start(
                        command[0],
                        List.of(command),
                        all,
                        environment.scratch().resolve("command.out"))) {
            return child.await(LIMIT);
        }
    }
}
