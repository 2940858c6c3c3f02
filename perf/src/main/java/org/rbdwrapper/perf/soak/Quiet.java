package org.rbdwrapper.perf.soak;

import java.util.Map;

/**
 * A moment without clients.
 *
 * @param when in words.
 * @param pid of the broker.
 * @param ageSeconds of the broker.
 * @param clients that had come and gone by then, in all.
 */
record Quiet(
        String when,
        long pid,
        double ageSeconds,
        int clients,
        Map<String, Integer> holdings,
        Memory memory) {}
