package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.LogLimiter;
import org.rbdwrapper.broker.messenger.StoreAnswers;
import org.rbdwrapper.ipc.Errno;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/**
 * Says in the log that the store fails requests on an image, once for each error number, and when
 * none has failed for a while. Conductor's thread.
 */
final class FailureLog {
    private static final Logger LOG = LoggerFactory.getLogger(FailureLog.class);

    /** Without a failure for so long they are over. */
    private static final long QUIET_NANOS = 10_000_000_000L;

    private final String store;
    private final LogLimiter limiter = new LogLimiter(30, 60_000_000_000L);
    private final Map<StoreAnswers, Seen> images = new HashMap<>();

    /** Of an image. */
    private static final class Seen {
        private final long[] counts = new long[StoreAnswers.errnoLimit()];
        private final BitSet said = new BitSet();
        private long total;
        private long totalWhenQuiet;
        private long lastAt;
    }

    /**
     * @param store for people.
     */
    FailureLog(String store) {
        this.store = store;
    }

    void look(StoreAnswers answers, long now) {
        long total = answers.failures();
        if (total == 0) {
            return;
        }
        Seen seen = images.computeIfAbsent(answers, a -> new Seen());
        if (total != seen.total) {
            seen.total = total;
            seen.lastAt = now;
            onFailures(answers, seen);
        } else if (!seen.said.isEmpty() && now - seen.lastAt >= QUIET_NANOS) {
            seen.said.clear();
            long failed = total - seen.totalWhenQuiet;
            seen.totalWhenQuiet = total;
            limiter.run(
                    () ->
                            LOG.info(
                                    "image {}: no request has failed for {} s; {} had",
                                    answers.image(),
                                    QUIET_NANOS / 1_000_000_000L,
                                    failed));
        }
    }

    /** Whether nothing was said that is not over. */
    boolean isQuiet(StoreAnswers answers) {
        Seen seen = images.get(answers);
        return seen == null ? answers.failures() == 0 : seen.said.isEmpty();
    }

    /** The image is not open any more. */
    void forget(StoreAnswers answers) {
        images.remove(answers);
    }

    private void onFailures(StoreAnswers answers, Seen seen) {
        for (int errno = 1; errno < seen.counts.length; errno++) {
            long count = answers.failures(errno);
            if (count != seen.counts[errno] && !seen.said.get(errno)) {
                seen.said.set(errno);
                onFirst(answers, Errno.of(errno));
            }
            seen.counts[errno] = count;
        }
    }

    private void onFirst(StoreAnswers answers, Errno errno) {
        String reason = reason(errno);
        limiter.run(
                () ->
                        LOG.warn(
                                "image {}: the store ({}) fails requests with {} ({}){}",
                                answers.image(),
                                store,
                                errno,
                                errno.text(),
                                reason.isEmpty() ? "" : ": " + reason));
    }

    /** What it means where the store is Ceph, which alone has most of these. */
    private static String reason(Errno errno) {
        return switch (errno.symbol()) {
            case "EROFS" ->
                    "another host holds the image's exclusive lock and keeps it (rbd lock ls):"
                            + " reads go on, and writes when it lets go";
            case "ETIMEDOUT" ->
                    "they had no answer within the mapping's io-timeout (ceph health detail)";
            case "EPERM", "EACCES" ->
                    "the key's caps do not allow them any more, or the pool was removed";
            case "ENOENT" -> "the snapshot, image or pool was removed";
            case "ENOSPC", "EDQUOT" -> "it is full";
            case "ESHUTDOWN" ->
                    "the cluster has shut out the client of who has it open, who must open it"
                            + " again";
            default -> "";
        };
    }
}
