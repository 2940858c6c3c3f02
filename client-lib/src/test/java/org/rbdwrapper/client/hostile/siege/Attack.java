package org.rbdwrapper.client.hostile.siege;

import org.rbdwrapper.ipc.codec.ListClientsEncoder;
import org.rbdwrapper.ipc.codec.ListMappingsEncoder;

/**
 * What a user without any privilege can do to a broker beside others. Each goes on until its
 * process ends, holds at most some 600 MiB of segments and keeps at most two threads busy.
 */
enum Attack {
    /** No attack: how much the measurement itself differs from one time to the next. */
    NOTHING(ground -> Ground.pause(Integer.MAX_VALUE)),
    /** No attack on the broker: what a program that computes takes from others on this host. */
    COMPUTE_1(ground -> Attacks.compute(ground, 1)),
    COMPUTE_2(ground -> Attacks.compute(ground, 2)),
    /** Sessions of 1 and 1000 opens of one image that end together. */
    OPEN_WAVES(Attacks::openWaves),
    /** Stats of paths whose pool does not answer. */
    SICK_STATS(ground -> Attacks.askSickAndLeave(ground, RawLine::statFrame), Needs.SICK_POOL),
    /** Opens of images whose pool does not answer. */
    SICK_OPENS(
            ground -> Attacks.askSickAndLeave(ground, path -> RawLine.openFrame(path, true)),
            Needs.SICK_POOL),
    /** Requests of such images at full depth, by sessions that leave. */
    SICK_REQUESTS(RingAttacks::sickRequests, Needs.SICK_POOL),
    /** Many writes that name the same bytes of the arena. */
    SAME_BYTES(RingAttacks::sameBytes, Needs.SLOW_POOL),
    /** Discards of the whole of a huge image. */
    DISCARD_ALL(RingAttacks::discardAll, Needs.SLOW_POOL),
    /** Sessions of the largest segment, which end at once. */
    HELLO_LARGE(Attacks::helloLarge),
    /** Lists, from many sessions without a pause. */
    LIST_MAPPINGS(
            ground ->
                    Attacks.askAlways(
                            ground,
                            RawLine.listFrame(
                                    ListMappingsEncoder.TEMPLATE_ID,
                                    ListMappingsEncoder.BLOCK_LENGTH))),
    LIST_CLIENTS(
            ground ->
                    Attacks.askAlways(
                            ground,
                            RawLine.listFrame(
                                    ListClientsEncoder.TEMPLATE_ID,
                                    ListClientsEncoder.BLOCK_LENGTH))),
    STATS(ground -> Attacks.askAlways(ground, RawLine.statFrame(ground.common()))),
    /** Opens and closes, and new times, of the own image. */
    OPENS(Attacks::opens),
    SET_TIMES(ground -> Attacks.askAlways(ground, RawLine.setTimesFrame(ground.own()))),
    /** Descriptors that stand for an open image. */
    SHARES(Attacks::shares),
    /** As many channels as are granted, of sessions that open nothing. */
    IDLE_CHANNELS(Attacks::idleChannels),
    /** Doorbells without a request. */
    DOORBELLS(RingAttacks::doorbells),
    /** Reads at full depth of the own image. */
    READS_SMALL(ground -> RingAttacks.reads(ground, 4, 64, 4096)),
    READS_LARGE(ground -> RingAttacks.reads(ground, 2, 32, 1 << 20)),
    /** Many large reads that name the same bytes of the arena. */
    READS_SAME_BYTES(RingAttacks::readsOfSameBytes),
    /** Connections that come and go. */
    CONNECTS(Attacks::connects),
    /** Connections that say nothing. */
    SILENCE(Attacks::silence),
    /** Half a message, and answers that nobody reads. */
    HALF_MESSAGES(Attacks::halfMessages);

    @SuppressWarnings("ImmutableEnumChecker") // a method of a class without fields
    private final Body body;

    private final Needs needs;

    /** What the broker's store must be able to. */
    enum Needs {
        NOTHING,
        SICK_POOL,
        SLOW_POOL
    }

    /** Does not return. */
    @FunctionalInterface
    private interface Body {
        void run(Ground ground) throws Exception;
    }

    Attack(Body body) {
        this(body, Needs.NOTHING);
    }

    Attack(Body body, Needs needs) {
        this.body = body;
        this.needs = needs;
    }

    void run(Ground ground) throws Exception {
        body.run(ground);
    }

    /** Whether the pool is to be sick meanwhile. */
    boolean isOfSickPool() {
        return needs == Needs.SICK_POOL;
    }

    Needs needs() {
        return needs;
    }

    /** A yardstick, and nothing that a broker could do anything about. */
    boolean isYardstick() {
        return this == NOTHING || this == COMPUTE_1 || this == COMPUTE_2;
    }
}
