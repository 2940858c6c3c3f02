package org.rbdwrapper.client.nio;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Collects the outcomes of calls to a plain file and to an image: they are the same, or the table
 * has the difference, and every difference in the table is met.
 *
 * <p>One thread.
 */
final class SideBySide<C> {
    private static final int SHOWN = 40;

    private final List<Difference<C>> table;
    private final Set<Difference<C>> met = new LinkedHashSet<>();
    private final List<String> others = new ArrayList<>();
    private int calls;

    SideBySide(List<Difference<C>> table) {
        this.table = table;
    }

    void compare(C call, Outcome plain, Outcome image) {
        calls++;
        if (plain.equals(image)) {
            return;
        }
        for (Difference<C> difference : table) {
            if (difference.meant().covers(call, plain, image)) {
                met.add(difference);
                return;
            }
        }
        others.add(call + ": file " + plain + ", image " + image);
    }

    void assertOnlyMeantDifferences() {
        assertEquals(
                "",
                String.join("\n", others.subList(0, Math.min(SHOWN, others.size()))),
                () -> others.size() + " of " + calls + " calls differ");
        assertEquals(
                List.of(),
                table.stream().filter(d -> !met.contains(d)).map(Difference::what).toList(),
                "differences that are in the table but not met");
    }
}
