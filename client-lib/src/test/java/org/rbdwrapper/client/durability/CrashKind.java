package org.rbdwrapper.client.durability;

import java.util.SplittableRandom;

/**
 * What a power loss does to the effects that nothing has made durable.
 *
 * @param loss of all files and names alike.
 * @param unit bytes that are written whole or not at all: a sector or a page.
 */
record CrashKind(Loss loss, int unit, SplittableRandom random) {
    /** Of effects that were not synced. */
    enum Loss {
        /** All are lost: a disk that nothing was written to yet. */
        ALL,
        /** None is lost: the broker's death, and not the host's. */
        NONE,
        /** Those after one moment of each file and of all names: a disk that keeps the order. */
        LATER,
        /** Any: each unit of each file has one of its states since the last sync. */
        ANY
    }

    static CrashKind choose(SplittableRandom random) {
        int loss = random.nextInt(10);
        return new CrashKind(
                loss == 0 ? Loss.ALL : loss == 1 ? Loss.NONE : loss < 5 ? Loss.LATER : Loss.ANY,
                random.nextBoolean() ? 512 : 4096,
                random.split());
    }

    /** How many of these, in order, are kept where the order is. */
    int keptOf(int count) {
        return switch (loss) {
            case ALL -> 0;
            case NONE -> count;
            case LATER, ANY -> random.nextInt(count + 1);
        };
    }
}
