package org.rbdwrapper.broker.store.ceph;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which options a ceph.conf sets. librados does not tell a value that was set from one that is the
 * default, and what is set through its API wins over the file: so we ask the file before we set
 * anything that the administrator may have set.
 */
final class CephConf {
    private static final Pattern SECTION = Pattern.compile("\\s*\\[\\s*(.*?)\\s*]");

    private final Set<String> options = new HashSet<>();

    private CephConf() {}

    /**
     * @param path null: Ceph's usual places.
     * @param id whose sections count: what is set for the OSDs does not.
     */
    static CephConf read(Path path, String id) throws IOException {
        CephConf conf = new CephConf();
        for (Path candidate : path != null ? List.of(path) : usualPlaces()) {
            if (Files.isReadable(candidate)) {
                conf.readFile(candidate, Set.of("global", "client", "client." + id));
                break;
            }
        }
        return conf;
    }

    boolean sets(String option) {
        return options.contains(option);
    }

    private void readFile(Path file, Set<String> sections) throws IOException {
        boolean counts = true;
        for (String line : Files.readAllLines(file)) {
            Matcher section = SECTION.matcher(line);
            if (section.lookingAt()) {
                counts = sections.contains(section.group(1));
            }
            int equals = line.indexOf('=');
            if (counts && equals > 0) {
                options.add(
                        line.substring(0, equals)
                                .strip()
                                .toLowerCase(Locale.ROOT)
                                .replaceAll("[\\s-]+", "_"));
            }
        }
    }

    /** As `man 8 ceph` lists them. */
    private static List<Path> usualPlaces() {
        List<Path> places = new ArrayList<>();
        String environment = System.getenv("CEPH_CONF");
        if (environment != null && !environment.isEmpty()) {
            places.add(Path.of(environment));
        }
        places.add(Path.of("/etc/ceph/ceph.conf"));
        places.add(Path.of(System.getProperty("user.home"), ".ceph", "ceph.conf"));
        places.add(Path.of("ceph.conf"));
        return places;
    }
}
