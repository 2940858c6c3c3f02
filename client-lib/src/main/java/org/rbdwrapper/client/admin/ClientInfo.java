package org.rbdwrapper.client.admin;

import java.time.Instant;
import java.util.List;

/**
 * A client of the broker.
 *
 * @param messenger its number, -1 for a session without channels.
 * @param requests I/O requests so far.
 * @param paths of what it has open.
 */
public record ClientInfo(
        long sessionId,
        int pid,
        long uid,
        long gid,
        int opens,
        long inFlight,
        int messenger,
        int channels,
        Instant connectedAt,
        long requests,
        String program,
        List<String> paths) {}
