package org.rbdwrapper.broker.messenger;

import org.rbdwrapper.broker.map.Permissions;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Bounds what users have under way at the store, which nothing else does: librbd takes and copies
 * whatever it is given. Bytes of large transfers ({@link TransferWindow}) and objects of long
 * changes ({@link LongChanges}), for each user and for all.
 *
 * <p>Any thread.
 */
public final class FlowControl implements AutoCloseable {
    /** Of all bytes: the last eighth is left to root and to the broker's own user. */
    private static final int KEPT = 8;

    private final long maxBytes;
    private final long maxUserBytes;
    private final Permissions permissions;
    private final ByteBudget total = new ByteBudget();
    private final Map<Integer, UserFlow> users = new HashMap<>(); // guarded by this
    private final ThreadPoolExecutor thread;
    private final LongChanges longChanges;

    /**
     * @param maxBytes of large transfers of all users.
     * @param maxUserBytes of one user other than root and {@code brokerUid}.
     */
    public FlowControl(long maxBytes, long maxUserBytes, int brokerUid) {
        this.maxBytes = maxBytes;
        this.maxUserBytes = maxUserBytes;
        this.permissions = new Permissions(brokerUid);
        // begun here and kept: a broker that can make no thread later must still end what it has
        thread =
                new ThreadPoolExecutor(
                        1,
                        1,
                        0,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(),
                        task -> Thread.ofPlatform().daemon().name("long-changes").unstarted(task),
                        new ThreadPoolExecutor.DiscardPolicy());
        thread.prestartCoreThread();
        longChanges = new LongChanges(thread);
    }

    /** For tests: whoever submits a long change, or completes a piece, sends the next pieces. */
    FlowControl(long maxBytes, long maxUserBytes, int brokerUid, Executor executor) {
        this.maxBytes = maxBytes;
        this.maxUserBytes = maxUserBytes;
        this.permissions = new Permissions(brokerUid);
        this.thread = null;
        this.longChanges = new LongChanges(executor);
    }

    /** A session of this user begins. */
    synchronized UserFlow enter(int uid) {
        UserFlow user = users.computeIfAbsent(uid, this::make);
        user.sessions++;
        return user;
    }

    /** It has ended, with all of its requests; a user without any is forgotten. */
    synchronized void leave(UserFlow user) {
        if (--user.sessions == 0) {
            users.remove(user.uid);
        }
    }

    private UserFlow make(int uid) {
        boolean isPrivileged = permissions.mayAdminister(uid);
        return new UserFlow(
                uid,
                isPrivileged ? maxBytes : maxUserBytes,
                total,
                isPrivileged ? maxBytes : maxBytes - maxBytes / KEPT,
                longChanges);
    }

    /** Of large transfers under way, of all users; a snapshot. */
    public long bytes() {
        return total.used();
    }

    public long maxBytes() {
        return maxBytes;
    }

    public long maxUserBytes() {
        return maxUserBytes;
    }

    /** Of long changes under way, of all users; a snapshot. */
    public long objects() {
        return longChanges.objects();
    }

    public long maxObjects() {
        return LongChanges.MAX_OBJECTS;
    }

    public long maxUserObjects() {
        return LongChanges.MAX_USER_OBJECTS;
    }

    /** When no session is left. */
    @Override
    public void close() {
        if (thread != null) {
            thread.shutdown();
            try {
                thread.awaitTermination(10, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        longChanges.close();
    }
}
