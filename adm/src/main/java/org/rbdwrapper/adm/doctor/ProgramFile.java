package org.rbdwrapper.adm.doctor;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The file that runs where a person types a name.
 *
 * @param path of the program; of a script, its interpreter.
 * @param kind by its first bytes.
 * @param scripts what was followed on the way, outermost first.
 */
record ProgramFile(Path path, Kind kind, List<Script> scripts) {
    /** What the kernel reads of a script's first line, in bytes. */
    private static final int FIRST_LINE = 256;

    /** How many interpreters of interpreters the kernel follows. */
    private static final int MAX_DEPTH = 5;

    private static final byte[] ELF_MAGIC = {0x7f, 'E', 'L', 'F'};

    enum Kind {
        ELF,
        SCRIPT,
        OTHER
    }

    /** A script, and by whom it is run: a path, or a name that env(1) looks up. */
    record Script(Path path, String interpreter) {}

    /**
     * @param searchPath the variable PATH.
     * @throws ErrnoException ENOENT where there is no such program.
     */
    static ProgramFile find(String name, String searchPath) throws IOException {
        List<Script> scripts = new ArrayList<>();
        Path path = lookUp(name, searchPath);
        while (true) {
            byte[] start = firstBytes(path);
            if (Arrays.equals(start, 0, Math.min(4, start.length), ELF_MAGIC, 0, 4)) {
                return new ProgramFile(path, Kind.ELF, scripts);
            }
            String interpreter = interpreter(start);
            if (interpreter.isEmpty()) {
                return new ProgramFile(path, Kind.OTHER, scripts);
            }
            if (scripts.size() == MAX_DEPTH) {
                throw new ErrnoException(Errno.of(40), name + ": too many scripts run each other");
            }
            scripts.add(new Script(path, interpreter));
            path = lookUp(interpreter, searchPath);
        }
    }

    private static Path lookUp(String name, String searchPath) throws ErrnoException {
        if (name.contains("/")) {
            Path path = Path.of(name);
            if (!Files.exists(path)) {
                throw new ErrnoException(Errno.ENOENT, name);
            }
            if (!Files.isRegularFile(path)) {
                throw new ErrnoException(Errno.EACCES, name + " is not a file");
            }
            return path;
        }
        for (String folder : searchPath.split(":", -1)) {
            Path path = Path.of(folder).resolve(name);
            if (!name.isEmpty() && Files.isRegularFile(path) && Files.isExecutable(path)) {
                return path;
            }
        }
        throw new ErrnoException(Errno.ENOENT, "'" + name + "' is not on the PATH");
    }

    private static byte[] firstBytes(Path path) throws IOException {
        if (!Files.isReadable(path)) {
            throw new ErrnoException(Errno.EACCES, path + " cannot be read");
        }
        try (InputStream in = Files.newInputStream(path)) {
            return in.readNBytes(FIRST_LINE);
        }
    }

    /** Of a script's first line: the program, where it is env(1), that one's; else empty. */
    static String interpreter(byte[] start) {
        String line = new String(start, StandardCharsets.UTF_8).split("\n", 2)[0];
        if (!line.startsWith("#!")) {
            return "";
        }
        String[] words = line.substring(2).strip().split("[ \t]+", 2);
        if (words.length == 1 || !words[0].endsWith("/env")) {
            return words[0];
        }
        // the kernel passes the rest as one argument, which only -S takes apart
        String rest = words[1];
        if (!rest.startsWith("-")) {
            return rest;
        }
        return Arrays.stream(rest.replaceFirst("^-\\w*S", "").strip().split("\\s+"))
                .filter(word -> !word.startsWith("-") && !word.contains("="))
                .findFirst()
                .orElse(words[0]);
    }
}
