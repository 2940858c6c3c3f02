package org.rbdwrapper.adm.doctor;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Finds the libraries of a program where ld.so finds them: DT_RPATH, LD_LIBRARY_PATH, DT_RUNPATH,
 * the folders of /etc/ld.so.conf, and the usual ones. Not looked at are ld.so's cache, which holds
 * what is in those folders, and variants for processors, which import the same.
 */
final class LibrarySearch {
    private static final Path CONFIGURATION = Path.of("/etc/ld.so.conf");
    private static final List<String> USUAL_FOLDERS =
            List.of("/lib64", "/usr/lib64", "/lib", "/usr/lib");

    private final ElfObject program;
    private final List<Path> environment;
    private final Set<Path> system = new LinkedHashSet<>();

    /** What was found. */
    record Found(List<ElfObject> libraries, Map<String, String> missing) {}

    /** A library, or the program, and who asked for it: DT_RPATH is looked up along this line. */
    private record Loaded(ElfObject object, Loaded by) {}

    /**
     * @param libraryPath the variable LD_LIBRARY_PATH.
     */
    LibrarySearch(ElfObject program, String libraryPath) throws IOException {
        this.program = program;
        environment =
                libraryPath.isEmpty()
                        ? List.of()
                        : expand(List.of(libraryPath.split("[:;]")), program);
        // a loader lies among the libraries that it knows best
        Path loader = Path.of(program.interpreter().orElseThrow());
        if (Files.exists(loader)) {
            system.add(loader.toRealPath().getParent());
        }
        addConfigured(CONFIGURATION, 0);
        USUAL_FOLDERS.forEach(folder -> system.add(Path.of(folder)));
    }

    /**
     * All libraries that are loaded with the program, each once, nearest first; those that are
     * missing with the name of who needs them.
     */
    Found all() throws IOException {
        List<ElfObject> libraries = new ArrayList<>();
        Map<String, String> missing = new TreeMap<>();
        Set<String> seen = new HashSet<>();
        Deque<Loaded> left = new ArrayDeque<>(List.of(new Loaded(program, null)));
        while (!left.isEmpty()) {
            Loaded next = left.remove();
            for (String name : next.object().needed()) {
                if (!seen.add(name)) {
                    continue;
                }
                Optional<ElfObject> library = find(name, next);
                if (library.isPresent()) {
                    libraries.add(library.get());
                    left.add(new Loaded(library.get(), next));
                } else {
                    missing.put(name, next.object().name());
                }
            }
        }
        return new Found(libraries, missing);
    }

    private Optional<ElfObject> find(String name, Loaded by) throws IOException {
        if (name.contains("/")) {
            return fitting(Path.of(name));
        }
        Set<Path> folders = new LinkedHashSet<>();
        if (by.object().runpath().isEmpty()) {
            for (Loaded loaded = by; loaded != null; loaded = loaded.by()) {
                if (loaded.object().runpath().isEmpty()) {
                    folders.addAll(expand(loaded.object().rpath(), loaded.object()));
                }
            }
        }
        folders.addAll(environment);
        folders.addAll(expand(by.object().runpath(), by.object()));
        folders.addAll(system);
        for (Path folder : folders) {
            Optional<ElfObject> library = fitting(folder.resolve(name));
            if (library.isPresent()) {
                return library;
            }
        }
        return Optional.empty();
    }

    /** Passes over libraries for other machines, as ld.so does. */
    private Optional<ElfObject> fitting(Path path) throws IOException {
        if (!Files.isRegularFile(path) || !Files.isReadable(path)) {
            return Optional.empty();
        }
        ElfObject library = ElfObject.read(path);
        return library.machine().equals(program.machine())
                ? Optional.of(library)
                : Optional.empty();
    }

    private static List<Path> expand(List<String> folders, ElfObject object) throws IOException {
        Path origin = object.path().toRealPath().getParent();
        List<Path> paths = new ArrayList<>();
        for (String folder : folders) {
            paths.add(
                    Path.of(
                            folder.replace("${ORIGIN}", origin.toString())
                                    .replace("$ORIGIN", origin.toString())));
        }
        return paths;
    }

    private void addConfigured(Path file, int depth) throws IOException {
        if (!Files.isReadable(file) || depth > 10) {
            return;
        }
        for (String line : Files.readAllLines(file)) {
            String text = line.replaceFirst("#.*", "").strip();
            if (text.startsWith("include ")) {
                Path pattern = file.resolveSibling(text.substring("include ".length()).strip());
                if (Files.isDirectory(pattern.getParent())) {
                    try (DirectoryStream<Path> files =
                            Files.newDirectoryStream(
                                    pattern.getParent(), pattern.getFileName().toString())) {
                        for (Path included : files) {
                            addConfigured(included, depth + 1);
                        }
                    }
                }
            } else if (text.startsWith("/")) {
                system.add(Path.of(text));
            }
        }
    }
}
