package org.rbdwrapper.adm;

import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.ipc.control.ControlConnection;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.io.Console;
import java.io.PrintWriter;
import java.util.concurrent.Callable;

/** What the commands share: the connection to the broker, and where their output goes. */
@Command(mixinStandardHelpOptions = true)
abstract class AdmCommand implements Callable<Integer> {
    /** Null where picocli has not made this. */
    @Spec private CommandSpec spec;

    /** Null: where picocli says. */
    private PrintWriter out;

    /** Does the work; a failure is an exception. */
    abstract void run(BrokerAdmin broker) throws Exception;

    @Override
    public final Integer call() throws Exception {
        try (BrokerAdmin broker = BrokerAdmin.connect(AdmMain.PROGRAM, this::sayThatItWaits)) {
            run(broker);
        }
        return 0;
    }

    /** {@link #call} of a command that picocli has not made: its options are their defaults. */
    final void callWithoutArguments(PrintWriter to) throws Exception {
        out = to;
        call();
    }

    private void sayThatItWaits() {
        if (isTerminal()) {
            err().println("the broker has ended: waiting for the next one");
            err().flush();
        }
    }

    private PrintWriter err() {
        return spec == null
                ? new PrintWriter(System.err, true, System.err.charset())
                : spec.commandLine().getErr();
    }

    final PrintWriter out() {
        return out == null ? spec.commandLine().getOut() : out;
    }

    /**
     * A percentage on stderr, where a person is looking, for work that takes longer than a moment.
     */
    final ControlConnection.ProgressHandler progress(String what) {
        if (!isTerminal()) {
            return (done, total) -> {};
        }
        PrintWriter err = err();
        return (done, total) -> {
            err.printf("\r%s: %d%% ", what, total > 0 ? done * 100 / total : 0);
            err.flush();
        };
    }

    /** Ends the line that {@link #progress} wrote. */
    final void progressDone() {
        if (isTerminal()) {
            err().print("\r\033[K");
            err().flush();
        }
    }

    @SuppressWarnings(
            "SystemConsoleNull") // it is null in a JVM without a terminal from JDK 25 on, as before
    // JDK 22
    private static boolean isTerminal() {
        Console console = System.console();
        return console != null && console.isTerminal();
    }
}
