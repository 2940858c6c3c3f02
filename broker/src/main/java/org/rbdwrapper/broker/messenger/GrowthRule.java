package org.rbdwrapper.broker.messenger;

/**
 * When {@code --messengers auto} adds a messenger: for {@link #CONSECUTIVE} looks in a row, each of
 * those that run had a thread that was near a full core and more clients were active than there are
 * messengers; and over these looks together most of a core of the host was idle. One thing less,
 * and another messenger would help nobody: it would idle, have no client to serve, or take its core
 * from others.
 *
 * <p>What idles is looked at over all of them, since other programs come and go within a second: a
 * host of two cores of which one is free on the average has seconds without.
 *
 * <p>One thread.
 */
final class GrowthRule {
    /** Looks, of a second each: a burst is no reason for threads that stay. */
    static final int CONSECUTIVE = 5;

    /** Of a core: a thread that is scheduled among others hardly gets more. */
    static final double SATURATED = 0.85;

    /**
     * Another connection's busiest thread may need a core; but of two that there are, one that is
     * saturated and all else that a broker does leave a little less.
     */
    static final double LEAST_IDLE_CORES = 0.75;

    private final int limit;

    /** Of the last looks, a ring: the next one is written at {@link #inARow} modulo its length. */
    private final double[] idleCores = new double[CONSECUTIVE];

    private int inARow;

    /**
     * @param limit the most messengers.
     */
    GrowthRule(int limit) {
        this.limit = limit;
    }

    /**
     * What was seen in about a second.
     *
     * @param messengers that run.
     * @param leastBusy of their busiest threads, the share of a core of the least busy.
     * @param activeClients that had requests.
     * @param idleCores that this process could have used.
     */
    record Evidence(int messengers, double leastBusy, int activeClients, double idleCores) {}

    /** True to add one; then the looks are counted anew. */
    boolean onLook(Evidence seen) {
        boolean wanted =
                seen.messengers() > 0
                        && seen.messengers() < limit
                        && seen.leastBusy() >= SATURATED
                        && seen.activeClients() > seen.messengers();
        if (!wanted) {
            inARow = 0;
            return false;
        }
        idleCores[inARow % CONSECUTIVE] = seen.idleCores();
        inARow++;
        if (inARow < CONSECUTIVE || meanIdleCores() < LEAST_IDLE_CORES) {
            return false;
        }
        inARow = 0;
        return true;
    }

    /** Of the last {@link #CONSECUTIVE} looks that counted. */
    double meanIdleCores() {
        double sum = 0;
        for (double cores : idleCores) {
            sum += cores;
        }
        return sum / CONSECUTIVE;
    }
}
