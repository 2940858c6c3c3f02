package org.rbdwrapper.broker.cli;

import org.rbdwrapper.broker.Broker;
import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.RunDirectory;
import org.rbdwrapper.broker.StateDirectory;
import org.rbdwrapper.broker.store.Stores;
import org.rbdwrapper.ipc.ErrnoException;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;

/** {@code start}: returns when the broker is ready, or stays with {@code --foreground}. */
@Command(
        name = "start",
        description = "Starts a broker and returns when it is ready; prints where its log is.",
        mixinStandardHelpOptions = true)
final class StartCommand implements Callable<Integer> {
    /** With {@link #daemonChild}: a broker is running, which ends when this one can come up. */
    static final String REPLACES = "--daemon-replaces";

    @Spec private CommandSpec spec;
    @Mixin private StartOptions options;

    @Option(
            names = "--foreground",
            description = "Stays in the foreground, and logs to stderr, too")
    private boolean foreground;

    /** How the daemon's own process is started by {@link Daemon}. */
    @Option(names = "--daemon-child", hidden = true)
    private boolean daemonChild;

    @Option(names = REPLACES, hidden = true)
    private boolean replaces;

    @Override
    public Integer call() throws Exception {
        BrokerOptions resolved = options.resolve();
        if (!foreground && !daemonChild) {
            int code = Daemon.start(resolved, options.toArguments(resolved), spec.commandLine());
            if (code == 0) {
                RunDirectory.noteOptions(resolved.runDir(), options.given(resolved));
            }
            return code;
        }
        Broker broker;
        try {
            StateDirectory.prepare(resolved.stateDir());
            RunDirectory.check(resolved.runDir());
            BrokerLog.configure(resolved.logFile(), foreground);
            if (replaces) {
                replace(resolved);
            }
            broker = Broker.start(resolved);
        } catch (ErrnoException e) {
            BrokerLog.close();
            if (daemonChild) {
                Daemon.reportFailure(e);
                return 1;
            }
            throw e;
        }
        CountDownLatch asked = new CountDownLatch(1);
        Sigterm.onReceived(asked::countDown);
        Runtime.getRuntime()
                .addShutdownHook(
                        Thread.ofPlatform()
                                .name("stop")
                                .unstarted(
                                        () -> {
                                            broker.close();
                                            BrokerLog.close();
                                        }));
        if (daemonChild) {
            Daemon.reportReady(resolved);
        } else {
            RunDirectory.noteOptions(resolved.runDir(), options.given(resolved));
            spec.commandLine().getOut().println("ready; log: " + resolved.logFile());
        }
        asked.await();
        return 0; // the exit that follows runs the hook
    }

    /**
     * Ends the broker that is running, when nothing is to be seen that would keep this one down.
     */
    private static void replace(BrokerOptions options) throws Exception {
        try {
            Stores.tryOut(options);
        } catch (ErrnoException e) {
            throw new ErrnoException(
                    e.errno(), e.what() + "; the broker that is running goes on", e);
        }
        StopCommand.stopForSuccessor(options.runDir());
    }
}
