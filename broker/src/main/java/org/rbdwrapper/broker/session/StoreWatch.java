package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.LogLimiter;
import org.rbdwrapper.broker.image.SharedImages;
import org.rbdwrapper.broker.messenger.StoreAnswers;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Says in the log when the store keeps programs waiting, and when that is over: one line each,
 * however many requests and images it befalls at once. {@link FailureLog} does so of requests that
 * fail.
 *
 * <p>Looks once a second while images are open, at flags and counters that requests set anyway, so
 * that none need be timed for it: a request counts from the look that first saw it.
 *
 * <p>Conductor's thread.
 */
final class StoreWatch {
    private static final Logger LOG = LoggerFactory.getLogger(StoreWatch.class);
    private static final int LOOK_EVERY_MILLIS = 1000;

    /** An OSD that is restarted, or a network that is slow, is not worth a line. */
    private static final long LONG_NANOS = 10_000_000_000L;

    private static final int NAMES_IN_LINE = 3;

    private final Conductor conductor;
    private final SharedImages images;
    private final String store;
    private final FailureLog failures;
    private final LogLimiter limiter = new LogLimiter(30, 60_000_000_000L);

    /** Since when, in nanoseconds. */
    private final Map<StoreAnswers, Long> waiting = new HashMap<>();

    private long lastLook = System.nanoTime();

    /**
     * @param store for people.
     */
    StoreWatch(Conductor conductor, SharedImages images, String store) {
        this.conductor = conductor;
        this.images = images;
        this.store = store;
        this.failures = new FailureLog(store);
    }

    /** How long the conductor may sleep, in milliseconds; -1: for ever. */
    int sleepMillis() {
        return images.answers().isEmpty() ? -1 : LOOK_EVERY_MILLIS;
    }

    /** At each turn of the conductor. */
    void look(long now) {
        if (now - lastLook < LOOK_EVERY_MILLIS * 1_000_000L) {
            return;
        }
        lastLook = now;
        Collection<StoreAnswers> all = images.answers();
        findUnanswered(all, now);
        List<StoreAnswers> begun = new ArrayList<>();
        for (StoreAnswers answers : all) {
            if (answers.unanswered() > 0 && !waiting.containsKey(answers)) {
                begun.add(answers);
            }
            failures.look(answers, now);
        }
        List<StoreAnswers> ended =
                waiting.keySet().stream().filter(known -> known.unanswered() == 0).toList();
        if (!ended.isEmpty()) {
            long since = ended.stream().mapToLong(waiting::remove).min().orElse(now);
            limiter.run(
                    () ->
                            LOG.info(
                                    "{}: what waited for the store was answered, after {} s",
                                    names(ended),
                                    (now - since) / 1_000_000_000L));
        }
        if (!begun.isEmpty()) {
            begun.forEach(answers -> waiting.put(answers, now - answers.oldestNanos()));
            limiter.run(() -> onBegun(begun));
        }
        images.forgetAnswers(this::isDone);
    }

    private boolean isDone(StoreAnswers closed) {
        boolean done = !waiting.containsKey(closed) && failures.isQuiet(closed);
        if (done) {
            failures.forget(closed);
        }
        return done;
    }

    private void onBegun(List<StoreAnswers> begun) {
        int requests = begun.stream().mapToInt(StoreAnswers::unanswered).sum();
        long oldest = begun.stream().mapToLong(StoreAnswers::oldestNanos).max().orElse(0);
        LOG.warn(
                "{}: no answer from the store ({}) for {} s to {}: they wait, as on a disk, and go"
                        + " on when it answers (is an OSD down, or the pool full? see 'ceph health"
                        + " detail')",
                names(begun),
                store,
                oldest / 1_000_000_000L,
                requests == 1 ? "1 request" : requests + " requests");
    }

    private void findUnanswered(Collection<StoreAnswers> all, long now) {
        all.forEach(StoreAnswers::beginLook);
        for (Session session : conductor.sessions()) {
            if (session.channels != null && hasRequests(session)) {
                session.channels.findUnanswered(now, LONG_NANOS);
            }
        }
        for (Session session : conductor.endingSessions()) {
            session.channels.findUnanswered(now, LONG_NANOS);
        }
    }

    private static boolean hasRequests(Session session) {
        return session.mappedOpens().stream()
                .anyMatch(mapped -> mapped.open().handle().inFlight() > 0);
    }

    private static String names(List<StoreAnswers> some) {
        String names =
                some.stream()
                        .map(StoreAnswers::image)
                        .sorted()
                        .limit(NAMES_IN_LINE)
                        .collect(Collectors.joining(", "));
        int more = some.size() - NAMES_IN_LINE;
        return (some.size() == 1 ? "image " : "images ")
                + names
                + (more > 0 ? " and " + more + " more" : "");
    }
}
