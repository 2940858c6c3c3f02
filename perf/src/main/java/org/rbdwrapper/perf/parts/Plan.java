package org.rbdwrapper.perf.parts;

/**
 * How long and how often.
 *
 * @param rounds samples of each kind, those of a round one after the other.
 * @param memorySeconds length of one on the memory store.
 * @param seconds length of one elsewhere.
 * @param warmUpSeconds before the first sample of a kind, unmeasured: the compilers of the JVMs.
 * @param idleSeconds how long idleness is watched.
 * @param barsOnly only what the bars need.
 */
public record Plan(
        int rounds,
        double memorySeconds,
        double seconds,
        double warmUpSeconds,
        double idleSeconds,
        boolean barsOnly) {
    public static final Plan FULL = new Plan(7, 3, 4, 5, 10, false);
    public static final Plan QUICK = new Plan(3, 0.4, 0.5, 0.7, 2, true);

    /** Instead of its own, where they are more than 0. */
    public Plan with(int otherRounds, double otherSeconds) {
        int newRounds = otherRounds > 0 ? otherRounds : rounds;
        return otherSeconds > 0
                ? new Plan(
                        newRounds, otherSeconds, otherSeconds, otherSeconds, otherSeconds, barsOnly)
                : new Plan(newRounds, memorySeconds, seconds, warmUpSeconds, idleSeconds, barsOnly);
    }
}
