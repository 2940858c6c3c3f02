package org.rbdwrapper.perf.machine;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Bytes of Java heap that a broker's threads have allocated, as {@code jcmd PID Thread.print -e}
 * tells. It rounds each thread's sum to B, K, M or G, of which it prints at least two digits: good
 * enough to tell none a request from one object a request.
 */
public final class BrokerAllocation {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final Pattern ALLOCATED =
            Pattern.compile("^\"([^\"]*)\".* allocated=(\\d+)([BKMG]) ");
    private static final String UNITS = "BKMG";

    private BrokerAllocation() {}

    public static long bytes(Environment environment, BrokerProcess broker) throws IOException {
        Child jcmd =
                Child.start(
                        "jcmd",
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                                Long.toString(broker.pid()),
                                "Thread.print",
                                "-e"),
                        Map.of(),
                        environment.scratch().resolve("jcmd.out"));
        environment.cleanup().add(jcmd);
        return parse(jcmd.await(LIMIT));
    }

    /** Of all threads but those of the JVM that serve jcmd itself. */
    public static long parse(String threads) {
        long bytes = 0;
        for (String line : threads.lines().toList()) {
            Matcher matcher = ALLOCATED.matcher(line);
            if (matcher.find() && !matcher.group(1).equals("Attach Listener")) {
                int shift = 10 * UNITS.indexOf(matcher.group(3).charAt(0));
                bytes += Long.parseLong(matcher.group(2)) << shift;
            }
        }
        return bytes;
    }
}
