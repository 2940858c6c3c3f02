package org.rbdwrapper.client.durability;

import org.rbdwrapper.broker.DurableFiles;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;

/**
 * Goes through a recording and loses the power now and then: what is left must be what {@link
 * Expectation} says. One thread.
 */
final class PowerLosses {
    private final Path folder;
    private final RecordedDisk disk;
    private final SplittableRandom random;
    private final Expectation expectation = new Expectation();
    private int count;

    PowerLosses(PowerRecording recording, SplittableRandom random) throws IOException {
        this.folder = recording.folder();
        this.disk = recording.emptyDisk();
        this.random = random;
    }

    void apply(RecordedEvent event) {
        disk.apply(event);
        if (event.kind() == RecordedEvent.Kind.MARK) {
            expectation.apply(event);
        }
    }

    /** How often it was lost. */
    int count() {
        return count;
    }

    /**
     * What is wrong with what is left after a loss now, of any kind; null where nothing is.
     *
     * @param withBroker that a broker is started on it as well, and asked.
     */
    String loseOnce(boolean withBroker) throws IOException {
        count++;
        CrashKind crash = CrashKind.choose(random);
        Path lost = folder.resolve("lost");
        try {
            disk.loseInto(lost, crash);
            Path stateDir = lost.resolve("state");
            StateAfterCrash found = StateAfterCrash.open(stateDir);
            String objection = found.objection(expectation);
            if (objection == null && withBroker) {
                objection = objectionOfBroker(stateDir, found);
            }
            return objection == null ? null : crash + ": " + objection;
        } catch (Exception e) {
            StringWriter trace = new StringWriter();
            e.printStackTrace(new PrintWriter(trace));
            return crash + ": " + trace;
        } finally {
            if (Files.exists(lost)) {
                DurableFiles.deleteTree(lost);
            }
        }
    }

    private String objectionOfBroker(Path stateDir, StateAfterCrash found) throws Exception {
        StateAfterCrash seen = StateAfterCrash.startBroker(stateDir, folder.resolve("r"));
        boolean same =
                seen.mapped().equals(found.mapped())
                        && seen.images().keySet().equals(found.images().keySet());
        return same ? null : "a broker sees " + seen + " and not " + found;
    }
}
