package org.rbdwrapper.broker.session;

/** What {@code rbdwrapper-broker status} shows. Times in nanoseconds since the epoch. */
record BrokerStatus(
        long startedAtNanos,
        int sessions,
        int mappings,
        int opens,
        int messengers,
        long violations,
        String store,
        String policy,
        String runDir,
        String stateDir,
        String logFile) {}
