package org.rbdwrapper.broker.image;

import org.rbdwrapper.broker.image.OpensOfOneImage.Outcome;
import org.rbdwrapper.broker.store.memory.MemoryStore;
import org.rbdwrapper.broker.testing.ThrownOnce;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/**
 * Readers on messengers of their own, a writer to whose home they move, a reader that joins them,
 * and the end of all, while something is thrown; then the same without. Says what is wrong: ""
 * where nothing is, null where nothing was thrown either.
 */
public final class ThrownInATurn implements Callable<String> {
    @Override
    public String call() throws Exception {
        try (OpensOfOneImage opens = new OpensOfOneImage(new MemoryStore())) {
            String wrong = useAndLeave(opens, false);
            boolean wasThrown = ThrownOnce.wasThrown();
            if (wrong == null) {
                wrong = useAndLeave(opens, true);
            }
            if (wrong == null) {
                try {
                    opens.remove();
                } catch (ErrnoException e) {
                    wrong = e.describe();
                }
            }
            return wrong == null && wasThrown ? "" : wrong;
        }
    }

    private static String useAndLeave(OpensOfOneImage opens, boolean mustOpen) throws Exception {
        List<Outcome> outcomes = new ArrayList<>();
        outcomes.add(opens.open(0, false, false));
        outcomes.add(opens.open(1, false, false));
        outcomes.add(opens.open(1, false, false));
        outcomes.add(opens.open(2, true, false));
        outcomes.add(opens.open(0, false, true));
        outcomes.add(opens.open(1, true, false));
        for (Outcome outcome : outcomes) {
            if (!opens.runUntil(outcome::isThere)) {
                return "an open has no answer";
            }
            if (mustOpen && outcome.open == null) {
                return "an open fails with " + outcome.failure.describe();
            }
        }
        outcomes.forEach(opens::close);
        for (Outcome outcome : outcomes) {
            if (!opens.runUntil(() -> outcome.closed)) {
                return "a close has no answer";
            }
        }
        boolean[] unused = new boolean[1];
        opens.images.whenUnused(OpensOfOneImage.IMAGE, () -> unused[0] = true);
        return opens.runUntil(() -> unused[0]) ? null : "the image stays in use";
    }
}
