package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.ClientLimits;
import org.rbdwrapper.broker.map.Permissions;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What clients hold of the broker and of the host, and whether they may have more, so that none of
 * them can take it all. Held is held until it is given back, which for a client that has ended is
 * when its last request is done.
 *
 * <pre>
 *   0                                                    7/8           15/16       limit
 *   +-----------------------------------------------------+--------------+-----------+
 *   | everybody, each user up to its share                | who has less | root, the |
 *   |                                                     | than 1/128   | broker's  |
 *   |                                                     |              | own user  |
 *   +-----------------------------------------------------+--------------+-----------+
 * </pre>
 *
 * <p>So whoever fills it, somebody who has nothing still gets something, and an administrator can
 * always look and end who should be ended. These two users are bound by the limits for all alone.
 *
 * <p>Conductor's thread.
 */
final class SessionLimits {
    /** For each session of the limit: some have more, most have 5. */
    private static final int CHANNELS_PER_SESSION = 8;

    /** For each session of the limit: a session of the defaults has 5 channels of depth 64. */
    private static final int REQUESTS_PER_SESSION = 512;

    /** A fraction of the broker's heap. */
    private static final long MAX_UNREAD = 128L << 20;

    private final ClientLimits limits;
    private final Permissions permissions;
    private final Map<Integer, Map<Resource, Long>> byUid = new HashMap<>();
    private final Map<Resource, Long> total = new EnumMap<>(Resource.class);

    /**
     * @param brokerUid whose clients are root's equals.
     */
    SessionLimits(ClientLimits limits, int brokerUid) {
        this.limits = limits;
        this.permissions = new Permissions(brokerUid);
    }

    /**
     * @throws ErrnoException the resource's number where there is not so much, or this user has its
     *     share: nothing is taken then.
     */
    void take(int uid, Resource resource, long amount) throws ErrnoException {
        long ofUser = held(uid, resource) + amount;
        long ofAll = held(resource) + amount;
        if (!permissions.mayAdminister(uid) && ofUser > userLimit(resource)) {
            throw refusal(uid, resource, amount, "a user may have", userLimit(resource));
        }
        long ceiling = ceiling(uid, resource, ofUser);
        if (ofAll > ceiling) {
            throw refusal(uid, resource, amount, "such a user finds room up to", ceiling);
        }
        put(uid, resource, ofUser, ofAll);
    }

    /** What was granted by the broker before. */
    void takeAnyway(int uid, Resource resource, long amount) {
        put(uid, resource, held(uid, resource) + amount, held(resource) + amount);
    }

    void giveBack(int uid, Resource resource, long amount) {
        put(uid, resource, held(uid, resource) - amount, held(resource) - amount);
    }

    List<ResourceUse> uses() {
        List<ResourceUse> uses = new ArrayList<>();
        for (Resource resource : Resource.values()) {
            uses.add(
                    new ResourceUse(
                            resource.key, held(resource), limit(resource), userLimit(resource)));
        }
        return uses;
    }

    private ErrnoException refusal(
            int uid, Resource resource, long amount, String rule, long allowed) {
        return new ErrnoException(
                resource.errno(),
                String.format(
                        "uid %s has %d %s and wants %d more, all clients together have %d of %d;"
                                + " %s %d: %s",
                        Integer.toUnsignedString(uid),
                        held(uid, resource),
                        resource.unit,
                        amount,
                        held(resource),
                        limit(resource),
                        rule,
                        allowed,
                        resource.advice));
    }

    private long ceiling(int uid, Resource resource, long ofUser) {
        long limit = limit(resource);
        if (permissions.mayAdminister(uid)) {
            return limit;
        }
        boolean hasLittle = ofUser <= Math.max(1, limit / 128);
        return limit - limit / (hasLittle ? 16 : 8);
    }

    /** For all clients together. */
    long limit(Resource resource) {
        return switch (resource) {
            case SESSIONS -> limits.maxSessions();
            case CHANNELS -> (long) limits.maxSessions() * CHANNELS_PER_SESSION;
            case REQUESTS -> (long) limits.maxSessions() * REQUESTS_PER_SESSION;
            case MEMORY -> limits.maxMemory();
            case UNREAD -> MAX_UNREAD;
            case OPENS, DESCRIPTIONS -> limits.maxOpens();
        };
    }

    private long userLimit(Resource resource) {
        return limits.userShareOf(limit(resource));
    }

    private long held(Resource resource) {
        return total.getOrDefault(resource, 0L);
    }

    private long held(int uid, Resource resource) {
        Map<Resource, Long> ofUser = byUid.get(uid);
        return ofUser == null ? 0 : ofUser.getOrDefault(resource, 0L);
    }

    /** A user of whom nothing is left is forgotten. */
    private void put(int uid, Resource resource, long ofUser, long ofAll) {
        Map<Resource, Long> held = byUid.computeIfAbsent(uid, one -> new EnumMap<>(Resource.class));
        if (ofUser == 0) {
            held.remove(resource);
        } else {
            held.put(resource, ofUser);
        }
        if (held.isEmpty()) {
            byUid.remove(uid);
        }
        total.put(resource, ofAll);
    }
}
