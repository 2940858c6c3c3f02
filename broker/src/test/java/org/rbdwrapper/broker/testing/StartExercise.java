package org.rbdwrapper.broker.testing;

import java.nio.file.Path;

/** What a module's short-lived programs do, for {@link StartTraining}: found as a service. */
@FunctionalInterface
public interface StartExercise {
    /**
     * @param runDir of a broker with images in files.
     */
    void run(Path runDir) throws Exception;
}
