package org.rbdwrapper.broker.store;

import java.util.ArrayDeque;
import java.util.Arrays;

/**
 * Turns the number that native code carries back into the {@link IoCompletion} that waits for it.
 *
 * <p>Any thread. Registering takes a lock and happens when a session comes or goes; looking up is
 * one array read: the array is replaced, never changed in length, and an entry outlives all of its
 * requests.
 */
public final class CompletionRegistry {
    private static final CompletionRegistry INSTANCE = new CompletionRegistry();

    private final ArrayDeque<Integer> free = new ArrayDeque<>();
    private volatile IoCompletion[] completions = new IoCompletion[1024];
    private int used;

    /** One for the process, as the native callback's address is. */
    public static CompletionRegistry instance() {
        return INSTANCE;
    }

    /** Takes a number for the life of the object that {@code factory} makes of it. */
    public synchronized <T extends IoCompletion> T register(Factory<T> factory) {
        Integer reused = free.poll();
        int id = reused != null ? reused : used++;
        IoCompletion[] table = completions;
        if (id == table.length) {
            table = Arrays.copyOf(table, table.length * 2);
        }
        T completion = factory.create(id);
        table[id] = completion;
        completions = table; // publishes the entry, too
        return completion;
    }

    /** Gives the number back; none of its requests may be in flight. */
    public synchronized void release(IoCompletion completion) {
        completions[completion.completionId()] = null;
        free.add(completion.completionId());
    }

    /** The object of a number in flight. */
    public IoCompletion get(int id) {
        return completions[id];
    }

    /** Makes a completion that knows its number. */
    @FunctionalInterface
    public interface Factory<T extends IoCompletion> {
        T create(int completionId);
    }
}
