package org.rbdwrapper.client.history;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What the programs of {@link HistoryClient} and {@code rbdw_history.c} have recorded of one image,
 * by block.
 *
 * <p>A line for each invocation, written before it, and one for each response:
 *
 * <pre>
 *   i SLOT w|r BLOCK VALUE TIME     of a slot, which is one operation at a time
 *   o SLOT TIME                     the slot's write is done
 *   o SLOT TIME VALUE COUNT ...     its read found these values, each in so many words in turn
 *   e SLOT TIME ERRNO               it has failed
 * </pre>
 *
 * VALUE is hexadecimal, TIME of CLOCK_MONOTONIC in ns.
 */
public final class History {
    private static final long INITIAL = 0;

    private final List<List<Event>> blocks = new ArrayList<>();
    private final Map<String, Integer> failures = new HashMap<>();
    private final Set<String> failed = new HashSet<>();
    private int operations;
    private int unknown;
    private int torn;

    /** Of an image that has nothing but zeroes at first. */
    public History(int blockCount) {
        for (int i = 0; i < blockCount; i++) {
            blocks.add(new ArrayList<>());
        }
    }

    private record Invocation(boolean isWrite, int block, long value, long time) {}

    /**
     * Adds one program's. What has no response is of a program that was killed.
     *
     * @param name of the program, for messages.
     */
    public void add(String name, Path file) throws IOException {
        Map<String, Invocation> open = new HashMap<>();
        try (BufferedReader reader = Files.newBufferedReader(file)) {
            String line;
            while ((line = reader.readLine()) != null) {
                String[] words = line.split(" ", -1);
                if (!isWhole(words)) {
                    continue; // it was killed while it wrote this one
                }
                String slot = words[1];
                if (words[0].equals("i")) {
                    open.put(
                            slot,
                            new Invocation(
                                    words[2].equals("w"),
                                    Integer.parseInt(words[3]),
                                    Long.parseUnsignedLong(words[4], 16),
                                    Long.parseLong(words[5])));
                } else {
                    respond(name + ":" + slot, open.remove(slot), words);
                }
            }
        }
        open.forEach(
                (slot, pending) -> {
                    if (pending.isWrite) {
                        addUnknown(name + ":" + slot, pending, Event.NEVER);
                    }
                });
    }

    private static boolean isWhole(String[] words) {
        return switch (words[0]) {
                    case "i" -> words.length == 7;
                    case "o" -> words.length >= 4 && words.length % 2 == 0;
                    case "e" -> words.length == 5;
                    default -> false;
                }
                && words[words.length - 1].equals(".");
    }

    private void respond(String client, Invocation of, String[] words) {
        long time = Long.parseLong(words[2]);
        if (words[0].equals("e")) {
            failures.merge(words[3], 1, Integer::sum);
            failed.add(client);
            if (of.isWrite) {
                addUnknown(client, of, time);
            }
            return;
        }
        operations++;
        if (of.isWrite) {
            blocks.get(of.block).add(Event.write(client, of.block, of.value, of.time, time));
            return;
        }
        List<Event.Run> runs = new ArrayList<>();
        for (int i = 3; i < words.length - 1; i += 2) {
            runs.add(
                    new Event.Run(
                            Long.parseUnsignedLong(words[i], 16), Integer.parseInt(words[i + 1])));
        }
        boolean whole = runs.size() == 1;
        torn += whole ? 0 : 1;
        blocks.get(of.block)
                .add(
                        new Event(
                                client,
                                of.block,
                                false,
                                runs.getFirst().value(),
                                whole ? null : runs,
                                of.time,
                                time,
                                Event.Outcome.DONE));
    }

    private void addUnknown(String client, Invocation of, long responded) {
        unknown++;
        blocks.get(of.block).add(Event.unknown(client, of.block, of.value, of.time, responded));
    }

    /** Of those that were answered without an error. */
    public int operations() {
        return operations;
    }

    /** Writes that may have been done or not. */
    public int unknown() {
        return unknown;
    }

    /** Reads that found more than one value in a block. */
    public int torn() {
        return torn;
    }

    /** Failed operations by errno. */
    public Map<String, Integer> failures() {
        return failures;
    }

    /** Slots, as name of program and number, of which an operation has failed. */
    public Set<String> failed() {
        return failed;
    }

    /**
     * The first block of which more was seen than {@link PausedRegister} allows, and why; empty
     * where there is none.
     *
     * @param pauses in their order.
     */
    public Optional<String> findViolation(List<Pause> pauses) {
        for (int block = 0; block < blocks.size(); block++) {
            for (int word : wordsToCheck(blocks.get(block))) {
                Optional<RegisterChecker.Violation> found =
                        PausedRegister.check(blocks.get(block), word, INITIAL, pauses);
                if (found.isPresent()) {
                    return Optional.of("block " + block + ", word " + word + ": " + found.get());
                }
            }
        }
        return Optional.empty();
    }

    /**
     * A read and a write at the same time need not see each other's block whole, on a file: each
     * word is a register. Those that no torn read tells apart have the same history.
     */
    private static Iterable<Integer> wordsToCheck(List<Event> history) {
        TreeSet<Integer> starts = new TreeSet<>(List.of(0));
        for (Event event : history) {
            if (event.isTorn()) {
                int start = 0;
                for (Event.Run run : event.runs().subList(0, event.runs().size() - 1)) {
                    start += run.words();
                    starts.add(start);
                }
            }
        }
        return starts;
    }
}
