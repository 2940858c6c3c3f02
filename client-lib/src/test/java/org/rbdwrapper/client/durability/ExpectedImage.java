package org.rbdwrapper.client.durability;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What may be found of an image after a power loss, according to what was asked for and what was
 * acknowledged until then.
 */
final class ExpectedImage {
    private static final int ZEROES = 0;

    private final String name;
    private boolean exists;
    private boolean mapped;
    private int size;

    /** For each unit what it may hold: a write's number or {@link #ZEROES}; the newest last. */
    private final List<List<Change>> units = new ArrayList<>();

    /** Under way, by number. */
    private final Map<Integer, Asked> asked = new HashMap<>();

    private record Asked(int number, String kind, int a, int b, long begunAt, Change change) {}

    /** A write's or a zeroing's; acknowledged at this mark or, at the latest moment, not yet. */
    private static final class Change {
        final int content;
        long endedAt = Long.MAX_VALUE;

        Change(int content) {
            this.content = content;
        }
    }

    ExpectedImage(String name) {
        this.name = name;
    }

    /**
     * @param words of the mark: kind, image, numbers.
     * @param at of the mark.
     */
    void begin(int number, String[] words, long at) {
        String kind = words[0];
        int a = words.length > 2 ? Integer.parseInt(words[2]) : 0;
        int b = words.length > 3 ? Integer.parseInt(words[3]) : 0;
        Change change = null;
        if (kind.equals("write") || kind.equals("zero")) {
            change = new Change(kind.equals("write") ? number : ZEROES);
            for (int unit = a / Pattern.UNIT; unit < (a + b) / Pattern.UNIT; unit++) {
                units.get(unit).add(change);
            }
        }
        asked.put(number, new Asked(number, kind, a, b, at, change));
    }

    boolean end(int number, long at) {
        Asked done = asked.remove(number);
        if (done == null) {
            return false;
        }
        switch (done.kind()) {
            case "create" -> {
                exists = true;
                units.clear();
                setSize(done.a());
            }
            case "remove" -> exists = false;
            case "resize" -> setSize(done.a());
            case "map" -> mapped = true;
            case "unmap" -> mapped = false;
            case "flush" -> flushed(done.begunAt());
            default -> done.change().endedAt = at;
        }
        return true;
    }

    /** What it may not be; null where it may be so. */
    String objectionToMapping(boolean found) {
        boolean isSettled = !isAsked("map") && !isAsked("unmap");
        return isSettled && found != mapped
                ? name + (mapped ? " is mapped no more" : " is mapped again")
                : null;
    }

    /**
     * @param contents null where there is no such image.
     */
    String objectionTo(byte[] contents) {
        if (contents == null) {
            return exists && !isAsked("remove") ? name + " is missing" : null;
        }
        if (!exists) {
            return isAsked("create")
                    ? objectionToNew(contents)
                    : name + " is there though it was removed or never made";
        }
        int resized =
                asked.values().stream()
                        .filter(a -> a.kind().equals("resize"))
                        .mapToInt(Asked::a)
                        .findAny()
                        .orElse(size);
        if (contents.length != size && contents.length != resized) {
            return name + " has " + contents.length + " bytes and not " + size;
        }
        for (int unit = 0; unit < contents.length / Pattern.UNIT; unit++) {
            int write = Pattern.writeOf(contents, unit);
            boolean mayBeCut = unit >= Math.min(size, resized) / Pattern.UNIT;
            boolean allowed =
                    (write == ZEROES && mayBeCut)
                            || (unit < units.size()
                                    && units.get(unit).stream().anyMatch(c -> c.content == write));
            if (!allowed) {
                return name
                        + " at byte "
                        + unit * Pattern.UNIT
                        + ": "
                        + describe(write)
                        + ", allowed: "
                        + (unit < units.size()
                                ? units.get(unit).stream().map(c -> describe(c.content)).toList()
                                : "zeroes");
            }
        }
        return null;
    }

    private String objectionToNew(byte[] contents) {
        for (int unit = 0; unit < contents.length / Pattern.UNIT; unit++) {
            if (Pattern.writeOf(contents, unit) != ZEROES) {
                return name + " is new and not empty at byte " + unit * Pattern.UNIT;
            }
        }
        int created =
                asked.values().stream()
                        .filter(a -> a.kind().equals("create"))
                        .mapToInt(Asked::a)
                        .findAny()
                        .orElse(0);
        return contents.length == created
                ? null
                : name + " has " + contents.length + " bytes and not " + created;
    }

    private static String describe(int content) {
        return content == ZEROES
                ? "zeroes"
                : content < 0 ? "what nobody has written" : "write " + content;
    }

    private boolean isAsked(String kind) {
        return asked.values().stream().anyMatch(a -> a.kind().equals(kind));
    }

    private void setSize(int newSize) {
        size = newSize;
        int count = newSize / Pattern.UNIT;
        if (count < units.size()) {
            units.subList(count, units.size()).clear();
        }
        while (units.size() < count) {
            Change made = new Change(ZEROES);
            made.endedAt = 0;
            units.add(new ArrayList<>(List.of(made)));
        }
    }

    /** What was acknowledged before this has replaced what stood there before. */
    private void flushed(long begunAt) {
        for (List<Change> changes : units) {
            for (int i = changes.size() - 1; i > 0; i--) {
                if (changes.get(i).endedAt < begunAt) {
                    changes.subList(0, i).clear();
                    break;
                }
            }
        }
    }
}
