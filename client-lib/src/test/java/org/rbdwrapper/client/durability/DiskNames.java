package org.rbdwrapper.client.durability;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Changes of names that are not durable yet, of all folders of a disk in one order. A rename is one
 * change, whole or not at all, and is durable when both folders are.
 */
final class DiskNames {
    private final List<Change> pending = new ArrayList<>();

    /** One folder's part of a change; a null node: the name is gone. */
    private record Part(DiskFolder folder, String name, DiskNode node) {
        void applyTo(Map<String, DiskNode> names) {
            if (node == null) {
                names.remove(name);
            } else {
                names.put(name, node);
            }
        }
    }

    private record Change(long number, List<Part> parts, Set<DiskFolder> notSynced) {}

    void add(long number, DiskFolder folder, String name, DiskNode node) {
        add(number, List.of(new Part(folder, name, node)));
    }

    void move(long number, DiskFolder from, String name, DiskFolder to, String newName) {
        DiskNode node = from.seen.get(name);
        add(number, List.of(new Part(from, name, null), new Part(to, newName, node)));
    }

    void sync(DiskFolder folder, long before) {
        for (Change change : pending) {
            if (change.number() < before) {
                change.notSynced().remove(folder);
            }
        }
        while (!pending.isEmpty() && pending.getFirst().notSynced().isEmpty()) {
            for (Part part : pending.removeFirst().parts()) {
                part.applyTo(part.folder().durable);
            }
        }
    }

    /** What folders that have changed hold after a power loss now; the others: what is durable. */
    Map<DiskFolder, Map<String, DiskNode>> after(CrashKind crash) {
        Map<DiskFolder, Map<String, DiskNode>> after = new HashMap<>();
        int notDurable = (int) pending.stream().filter(c -> !c.notSynced().isEmpty()).count();
        int kept = crash.keptOf(notDurable);
        boolean anyOrder = crash.loss() == CrashKind.Loss.ANY;
        int percent = 10 + crash.random().nextInt(81);
        for (Change change : pending) {
            boolean keep = change.notSynced().isEmpty();
            if (!keep) {
                keep = anyOrder ? crash.random().nextInt(100) < percent : kept > 0;
                kept--;
            }
            if (keep) {
                for (Part part : change.parts()) {
                    part.applyTo(
                            after.computeIfAbsent(
                                    part.folder(), folder -> new TreeMap<>(folder.durable)));
                }
            }
        }
        return after;
    }

    private void add(long number, List<Part> parts) {
        Set<DiskFolder> folders = new HashSet<>();
        for (Part part : parts) {
            part.applyTo(part.folder().seen);
            folders.add(part.folder());
        }
        pending.add(new Change(number, parts, folders));
    }
}
