package org.rbdwrapper.adm.doctor;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.control.ControlConnection;
import org.rbdwrapper.ipc.posix.ProcessIdentity;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Tells before the fact whether the preload library reaches a program's calls. Reads files only,
 * and starts nothing. One thread.
 */
public final class Doctor {
    private static final Pattern GLIBC_LOADER =
            Pattern.compile("ld-linux.*\\.so\\.\\d+|ld64?\\.so\\.\\d+");

    /** glibc's own parts: they call each other past every other library. */
    private static final Pattern GLIBC_PART =
            Pattern.compile(
                    "(lib(c|m|mvec|pthread|dl|rt|util|resolv|anl|nsl|BrokenLocale)|ld-linux.*|ld64?)"
                        + "\\.so\\.\\d+");

    private static final Pattern IO_URING_LIBRARY = Pattern.compile("liburing(-ffi)?\\.so.*");
    private static final String PIPE_INSTEAD = "pipe the image to or from it: rbdwrapper-run dd";

    private final Path preloadLibrary;

    /**
     * @param preloadLibrary librbdwrapper.so: what it exports is what is intercepted.
     */
    public Doctor(Path preloadLibrary) {
        this.preloadLibrary = preloadLibrary;
    }

    /**
     * @param name a path, or a name on the PATH.
     * @param environment of the program.
     * @throws ErrnoException where there is no such program, or it cannot be read.
     */
    public Diagnosis examine(String name, Map<String, String> environment) throws IOException {
        if (!Files.isReadable(preloadLibrary)) {
            throw new ErrnoException(
                    Errno.ENOENT, preloadLibrary + ": copy the whole install tree");
        }
        ElfObject preload = ElfObject.read(preloadLibrary);
        ProgramFile file = ProgramFile.find(name, environment.getOrDefault("PATH", ""));
        List<String> scripts = new ArrayList<>();
        file.scripts()
                .forEach(s -> scripts.add(s.path() + " is a script, run by " + s.interpreter()));
        if (file.kind() != ProgramFile.Kind.ELF) {
            return verdict(
                    file,
                    scripts,
                    List.of(
                            new Finding(
                                    "no-program",
                                    "neither an ELF program nor a script with a #! line")));
        }
        ElfObject program = ElfObject.read(file.path());
        Privileges.Gained privileges = Privileges.of(file.path());
        List<Finding> reasons = reasons(program, preload);
        privileges.gained().ifPresent(reasons::add);
        if (!reasons.isEmpty()) {
            return verdict(file, scripts, reasons);
        }
        LibrarySearch.Found libraries =
                new LibrarySearch(program, environment.getOrDefault("LD_LIBRARY_PATH", "")).all();
        List<ElfObject> objects = new ArrayList<>(List.of(program));
        libraries.libraries().stream()
                .filter(library -> !GLIBC_PART.matcher(library.name()).matches())
                .forEach(objects::add);
        FileCalls calls = new FileCalls(preload);
        List<Finding> notes = notes(program, objects, calls, libraries.missing());
        privileges.others().ifPresent(notes::add);
        RunDirectories directories = new RunDirectories(environment, ProcessIdentity.uid());
        ControlConnection.passedOver(directories.clientRunDirs())
                .forEach(why -> notes.add(new Finding("run-directory", why)));
        return new Diagnosis(
                file.path(),
                scripts,
                List.of(),
                notes,
                intercepted(objects, calls),
                leftOut(objects, calls));
    }

    private static Diagnosis verdict(
            ProgramFile file, List<String> scripts, List<Finding> reasons) {
        return new Diagnosis(file.path(), scripts, reasons, List.of(), Map.of(), List.of());
    }

    private static List<Finding> reasons(ElfObject program, ElfObject preload) {
        List<Finding> reasons = new ArrayList<>();
        if (program.type() != ElfObject.Type.EXECUTABLE) {
            reasons.add(new Finding("no-program", "a " + program.type().text + ", not a program"));
            return reasons;
        }
        if (!Files.isExecutable(program.path())) {
            reasons.add(new Finding("not-executable", "you may not run it (see chmod)"));
        }
        if (!program.machine().equals(preload.machine())) {
            reasons.add(
                    new Finding(
                            "machine",
                            "for another machine ("
                                    + program.machine()
                                    + ") than librbdwrapper.so ("
                                    + preload.machine()
                                    + ")"));
        }
        if (program.go()) {
            reasons.add(
                    new Finding(
                            "go",
                            "written in Go: it makes its system calls itself, past every library; "
                                    + PIPE_INSTEAD));
        }
        Optional<Finding> linked =
                program.interpreter().isEmpty()
                        ? Optional.of(statically(program))
                        : otherLoader(Path.of(program.interpreter().get()));
        linked.ifPresent(reasons::add);
        return reasons;
    }

    private static Finding statically(ElfObject program) {
        return new Finding(
                "static",
                "statically linked, so that no library is loaded into it; "
                        + (program.go()
                                ? PIPE_INSTEAD
                                : "link it dynamically, use librbdw in it, or " + PIPE_INSTEAD));
    }

    private static Optional<Finding> otherLoader(Path loader) {
        String name = loader.getFileName().toString();
        if (!GLIBC_LOADER.matcher(name).matches()) {
            return Optional.of(
                    new Finding(
                            "libc",
                            "linked with "
                                    + (name.startsWith("ld-musl") ? "musl" : "another libc")
                                    + " (loader "
                                    + loader
                                    + "), where librbdwrapper.so needs glibc; take a build for"
                                    + " glibc, or "
                                    + PIPE_INSTEAD));
        }
        if (!Files.exists(loader)) {
            return Optional.of(
                    new Finding("no-loader", "its loader " + loader + " is not installed"));
        }
        return Optional.empty();
    }

    private static List<Finding> notes(
            ElfObject program,
            List<ElfObject> objects,
            FileCalls calls,
            Map<String, String> missing) {
        List<Finding> notes = new ArrayList<>();
        missing.forEach(
                (library, by) ->
                        notes.add(
                                new Finding(
                                        "missing-library",
                                        library + ", which " + by + " needs, was not found")));
        List<String> ioUring =
                objects.stream().filter(Doctor::usesIoUring).map(ElfObject::name).toList();
        if (!ioUring.isEmpty()) {
            notes.add(
                    new Finding(
                            "io_uring",
                            "io_uring is used by "
                                    + String.join(", ", ioUring)
                                    + ": the kernel then does the I/O past every library, and on an"
                                    + " image it fails (EBADF); choose another way if it has one"));
        }
        objects.stream()
                .skip(1)
                .filter(ElfObject::go)
                .forEach(
                        library ->
                                notes.add(
                                        new Finding(
                                                "go-library",
                                                library.name()
                                                        + " is written in Go: what it does itself"
                                                        + " is not intercepted")));
        List<String> own = program.exports().stream().filter(calls::intercepts).sorted().toList();
        if (!own.isEmpty()) {
            notes.add(
                    new Finding(
                            "own-calls",
                            "it has functions of its own that are called before the library's: "
                                    + String.join(" ", own)));
        }
        if (program.imports().contains("dlopen")) {
            notes.add(
                    new Finding(
                            "dlopen",
                            "it may load more libraries as it runs: their calls are intercepted,"
                                    + " too, but not listed here"));
        }
        return notes;
    }

    private static boolean usesIoUring(ElfObject object) {
        return object.imports().stream().anyMatch(name -> name.startsWith("io_uring_"))
                || object.needed().stream()
                        .anyMatch(name -> IO_URING_LIBRARY.matcher(name).matches());
    }

    private static Map<String, List<String>> intercepted(List<ElfObject> objects, FileCalls calls) {
        Map<String, List<String>> intercepted = new LinkedHashMap<>();
        for (ElfObject object : objects) {
            List<String> names =
                    object.imports().stream().filter(calls::intercepts).sorted().toList();
            if (!names.isEmpty()) {
                intercepted.put(object.name(), names);
            }
        }
        return intercepted;
    }

    private static List<Diagnosis.LeftOut> leftOut(List<ElfObject> objects, FileCalls calls) {
        Map<String, List<String>> importers = new TreeMap<>();
        for (ElfObject object : objects) {
            for (String call : new TreeSet<>(object.imports())) {
                if (calls.effectOfLeftOut(call).isPresent()) {
                    importers.computeIfAbsent(call, c -> new ArrayList<>()).add(object.name());
                }
            }
        }
        return importers.entrySet().stream()
                .map(
                        entry ->
                                new Diagnosis.LeftOut(
                                        entry.getKey(),
                                        entry.getValue(),
                                        calls.effectOfLeftOut(entry.getKey()).orElseThrow()))
                .toList();
    }
}
