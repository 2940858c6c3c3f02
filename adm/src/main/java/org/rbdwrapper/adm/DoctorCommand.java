package org.rbdwrapper.adm;

import org.rbdwrapper.adm.doctor.Diagnosis;
import org.rbdwrapper.adm.doctor.Doctor;
import org.rbdwrapper.adm.doctor.Finding;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.File;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/** {@code doctor PROGRAM}: needs no broker. */
@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        description = {
            "Tells whether rbdwrapper-run can intercept PROGRAM's calls, and which. Starts"
                    + " nothing.",
            ""
        },
        footer = {"", "Exit codes: 0 it can, 1 it cannot or there is no such program, 2 usage."})
final class DoctorCommand implements Callable<Integer> {
    /** Columns of a terminal, beyond which calls go to the next line. */
    private static final int WIDTH = 120;

    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "PROGRAM", description = "A path, or a name on the PATH")
    private String program;

    @Option(names = "--format", paramLabel = "FORMAT", description = "plain (default) or json")
    private DoctorFormat format = DoctorFormat.PLAIN;

    private enum DoctorFormat {
        PLAIN,
        JSON
    }

    /** The diagnosis in JSON; names are the keys. */
    private record Json(
            String program,
            List<String> scripts,
            boolean can_be_intercepted,
            List<Finding> reasons,
            List<Finding> notes,
            Map<String, List<String>> intercepted,
            List<Diagnosis.LeftOut> not_intercepted) {}

    @Override
    public Integer call() throws Exception {
        Diagnosis diagnosis = new Doctor(preloadLibrary()).examine(program, System.getenv());
        PrintWriter out = spec.commandLine().getOut();
        if (format == DoctorFormat.JSON) {
            Format.printJson(out, json(diagnosis));
        } else {
            print(out, diagnosis);
        }
        return diagnosis.canBeIntercepted() ? 0 : 1;
    }

    /**
     * Beside the jar that was started: {@code lib} of the install tree. A class that comes from an
     * AOT cache does not always know where it is from.
     */
    private static Path preloadLibrary() {
        String jar = System.getProperty("java.class.path").split(File.pathSeparator, 2)[0];
        return Path.of(jar).toAbsolutePath().resolveSibling("librbdwrapper.so");
    }

    private static Json json(Diagnosis diagnosis) {
        return new Json(
                diagnosis.program().toString(),
                diagnosis.scripts(),
                diagnosis.canBeIntercepted(),
                diagnosis.reasons(),
                diagnosis.notes(),
                diagnosis.intercepted(),
                diagnosis.notIntercepted());
    }

    private static void print(PrintWriter out, Diagnosis diagnosis) {
        diagnosis.scripts().forEach(out::println);
        out.printf(
                "%s: %s%n",
                diagnosis.program(),
                diagnosis.canBeIntercepted() ? "can be intercepted" : "cannot be intercepted");
        diagnosis.reasons().forEach(reason -> out.println("  " + reason.text()));
        diagnosis.notes().forEach(note -> out.println("  note: " + note.text()));
        if (!diagnosis.intercepted().isEmpty()) {
            out.println("intercepted:");
            diagnosis.intercepted().forEach((by, calls) -> printCalls(out, by, calls));
        }
        if (!diagnosis.notIntercepted().isEmpty()) {
            out.println("not intercepted, though it touches files:");
            for (Diagnosis.LeftOut call : diagnosis.notIntercepted()) {
                out.printf(
                        "  %s (%s): %s%n",
                        call.call(), String.join(", ", call.by()), call.effect());
            }
        }
    }

    private static void printCalls(PrintWriter out, String by, List<String> calls) {
        StringBuilder line = new StringBuilder("  ").append(by).append(':');
        for (String call : calls) {
            if (line.length() + 1 + call.length() > WIDTH) {
                out.println(line);
                line.setLength(0);
                line.append("   ");
            }
            line.append(' ').append(call);
        }
        out.println(line);
    }
}
