package org.rbdwrapper.adm.doctor;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What was found out of a program.
 *
 * @param program the file that runs; of a script, its interpreter.
 * @param scripts lines that say how it came to that file.
 * @param reasons why it cannot be intercepted; none, where it can.
 * @param notes what may fail though it is intercepted.
 * @param intercepted calls that touch files, by the program's or its library's name.
 * @param notIntercepted the others.
 */
public record Diagnosis(
        Path program,
        List<String> scripts,
        List<Finding> reasons,
        List<Finding> notes,
        Map<String, List<String>> intercepted,
        List<LeftOut> notIntercepted) {
    /**
     * A call that touches files and is not intercepted.
     *
     * @param by names of the program or libraries that import it.
     * @param effect what happens on an image.
     */
    public record LeftOut(String call, List<String> by, String effect) {}

    public boolean canBeIntercepted() {
        return reasons.isEmpty();
    }
}
