package org.rbdwrapper.client.durability;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A file's bytes: what is durable, and what was done to them since, in order. */
final class DiskFile implements DiskNode {
    private byte[] durable = new byte[0];
    private final List<Effect> pending = new ArrayList<>();

    /**
     * @param length that the file has at least, or, where {@code sets}, exactly.
     */
    private record Effect(
            long number, int from, int to, ByteBuffer data, int length, boolean sets) {
        byte[] applyTo(byte[] contents) {
            byte[] changed = resize(contents, sizeAfter(contents.length));
            int end = Math.min(to, changed.length);
            if (end > from) {
                applyTo(changed, from, end);
            }
            return changed;
        }

        int sizeAfter(int size) {
            return sets ? length : Math.max(size, length);
        }

        void applyTo(byte[] contents, int start, int end) {
            if (data == null) {
                Arrays.fill(contents, start, end, (byte) 0);
            } else {
                data.get(start - from, contents, start, end - start);
            }
        }
    }

    void write(long number, long position, byte[] data) {
        int from = (int) position;
        int to = from + data.length;
        pending.add(new Effect(number, from, to, ByteBuffer.wrap(data), to, false));
    }

    void zero(long number, long position, long length) {
        int to = (int) Math.min(position + length, Integer.MAX_VALUE);
        pending.add(new Effect(number, (int) position, to, null, 0, false));
    }

    void setSize(long number, long length) {
        // bytes beyond the end are zeroes when the file grows again
        pending.add(new Effect(number, (int) length, Integer.MAX_VALUE, null, (int) length, true));
    }

    void allocate(long number, long length) {
        pending.add(new Effect(number, 0, 0, null, (int) length, false));
    }

    /** All effects before this number are durable. */
    @Override
    public void sync(long before) {
        int synced = 0;
        while (synced < pending.size() && pending.get(synced).number() < before) {
            durable = pending.get(synced).applyTo(durable);
            synced++;
        }
        pending.subList(0, synced).clear();
    }

    /** What is there after a power loss now. */
    byte[] contentsAfter(CrashKind crash) {
        return crash.loss() == CrashKind.Loss.ANY ? mixed(crash) : first(crash);
    }

    private byte[] first(CrashKind crash) {
        byte[] contents = durable.clone();
        int kept = crash.keptOf(pending.size());
        for (Effect effect : pending.subList(0, kept)) {
            contents = effect.applyTo(contents);
        }
        boolean isTorn = crash.loss() == CrashKind.Loss.LATER && kept < pending.size();
        if (isTorn && !pending.get(kept).sets()) {
            Effect torn = pending.get(kept);
            int end = Math.min(torn.to(), Math.max(contents.length, torn.length()));
            int units = Math.max(0, end - torn.from()) / crash.unit();
            if (units > 0) {
                int part = torn.from() / crash.unit() * crash.unit();
                part += crash.random().nextInt(units) * crash.unit();
                if (part > torn.from()) {
                    contents = resize(contents, Math.max(contents.length, part));
                    torn.applyTo(contents, torn.from(), part);
                }
            }
        }
        return contents;
    }

    /** Each unit as it was at a moment of its own, and so the size. */
    private byte[] mixed(CrashKind crash) {
        List<Integer> sizes = new ArrayList<>(List.of(durable.length));
        int longest = durable.length;
        for (Effect effect : pending) {
            sizes.add(effect.sizeAfter(sizes.getLast()));
            longest = Math.max(longest, sizes.getLast());
        }
        byte[] contents = Arrays.copyOf(durable, longest);
        Map<Integer, Integer> touches = new HashMap<>();
        for (Effect effect : pending) {
            forEachUnit(effect, longest, crash, unit -> touches.merge(unit, 1, Integer::sum));
        }
        touches.replaceAll((unit, count) -> crash.random().nextInt(count + 1));
        for (Effect effect : pending) {
            forEachUnit(
                    effect,
                    contents.length,
                    crash,
                    unit -> {
                        if (touches.merge(unit, -1, Integer::sum) >= 0) {
                            int start = unit * crash.unit();
                            int end = Math.min(start + crash.unit(), contents.length);
                            effect.applyTo(
                                    contents,
                                    Math.max(start, effect.from()),
                                    Math.min(end, effect.to()));
                        }
                    });
        }
        return resize(contents, sizes.get(crash.random().nextInt(sizes.size())));
    }

    private interface UnitAction {
        void act(int unit);
    }

    private static void forEachUnit(Effect effect, int length, CrashKind crash, UnitAction action) {
        int end = Math.min(effect.to(), length);
        if (end > effect.from()) {
            for (int unit = effect.from() / crash.unit();
                    unit <= (end - 1) / crash.unit();
                    unit++) {
                action.act(unit);
            }
        }
    }

    private static byte[] resize(byte[] contents, int length) {
        return contents.length == length ? contents : Arrays.copyOf(contents, length);
    }
}
