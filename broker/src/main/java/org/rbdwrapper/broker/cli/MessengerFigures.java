package org.rbdwrapper.broker.cli;

import org.rbdwrapper.ipc.codec.MessengersDecoder;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a messenger says of itself, counted since it began; and what lies between two such answers.
 * Times in nanoseconds.
 */
record MessengerFigures(
        long index,
        long sessions,
        long opens,
        long inFlight,
        long elapsed,
        long busy,
        long requests,
        long bytes,
        long turns,
        long fullBatches,
        List<ThreadFigures> threads) {
    static final List<String> HEADINGS =
            List.of(
                    "messenger",
                    "sessions",
                    "opens",
                    "in flight",
                    "requests",
                    "IOPS",
                    "MiB/s",
                    "a turn",
                    "full",
                    "busy",
                    "connection");

    /** One of its connection's threads. */
    record ThreadFigures(int tid, long processorTime, String name) {}

    static List<MessengerFigures> of(MessengersDecoder answer) {
        List<MessengerFigures> all = new ArrayList<>();
        for (MessengersDecoder.MessengerDecoder messenger : answer.messenger()) {
            long index = messenger.index();
            long sessions = messenger.sessions();
            long opens = messenger.opens();
            long inFlight = messenger.inFlight();
            long elapsed = messenger.elapsed();
            long busy = messenger.busy();
            long requests = messenger.requests();
            long bytes = messenger.transferred();
            long turns = messenger.turns();
            long fullBatches = messenger.fullBatches();
            List<ThreadFigures> threads = new ArrayList<>();
            for (MessengersDecoder.MessengerDecoder.ThreadDecoder thread : messenger.thread()) {
                threads.add(new ThreadFigures(thread.tid(), thread.processorTime(), thread.name()));
            }
            all.add(
                    new MessengerFigures(
                            index,
                            sessions,
                            opens,
                            inFlight,
                            elapsed,
                            busy,
                            requests,
                            bytes,
                            turns,
                            fullBatches,
                            threads));
        }
        return all;
    }

    /**
     * The totals of now, and the rates since the earlier answer; since it began where that is null.
     */
    Map<String, Object> toFields(MessengerFigures earlier) {
        MessengerFigures before = earlier == null ? none() : earlier;
        long over = elapsed - before.elapsed;
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("index", index);
        fields.put("sessions", sessions);
        fields.put("opens", opens);
        fields.put("in_flight", inFlight);
        fields.put("requests", requests);
        fields.put("bytes", bytes);
        fields.put("turns", turns);
        fields.put("full_batches", fullBatches);
        fields.put("over_seconds", rounded(over / 1e9));
        fields.put("iops", rounded(share(requests - before.requests, over) * 1e9));
        fields.put("bytes_per_second", rounded(share(bytes - before.bytes, over) * 1e9));
        fields.put(
                "requests_per_turn",
                rounded(share(requests - before.requests, turns - before.turns)));
        fields.put("busy", rounded(share(busy - before.busy, over)));
        List<Map<String, Object>> connection = new ArrayList<>();
        for (ThreadFigures thread : threads) {
            Map<String, Object> of = new LinkedHashMap<>();
            of.put("name", thread.name());
            of.put("tid", thread.tid());
            of.put(
                    "busy",
                    rounded(
                            share(
                                    thread.processorTime() - before.processorTime(thread.tid()),
                                    over)));
            connection.add(of);
        }
        fields.put("connection", connection);
        return fields;
    }

    /** As {@link #toFields}, in the order of {@link #HEADINGS}. */
    List<String> toRow(MessengerFigures earlier) {
        MessengerFigures before = earlier == null ? none() : earlier;
        long over = elapsed - before.elapsed;
        StringBuilder connection = new StringBuilder();
        for (ThreadFigures thread : threads) {
            connection
                    .append(connection.isEmpty() ? "" : ", ")
                    .append(thread.name())
                    .append(' ')
                    .append(
                            percent(
                                    thread.processorTime() - before.processorTime(thread.tid()),
                                    over));
        }
        long taken = requests - before.requests;
        return List.of(
                Long.toString(index),
                Long.toString(sessions),
                Long.toString(opens),
                Long.toString(inFlight),
                Long.toString(requests),
                format("%.0f", share(taken, over) * 1e9),
                format("%.1f", share(bytes - before.bytes, over) * 1e9 / (1 << 20)),
                format("%.1f", share(taken, turns - before.turns)),
                Long.toString(fullBatches - before.fullBatches),
                percent(busy - before.busy, over),
                connection.isEmpty() ? "-" : connection.toString());
    }

    private long processorTime(int tid) {
        for (ThreadFigures thread : threads) {
            if (thread.tid() == tid) {
                return thread.processorTime();
            }
        }
        return 0;
    }

    private static MessengerFigures none() {
        return new MessengerFigures(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, List.of());
    }

    private static double share(long part, long whole) {
        return whole <= 0 ? 0 : (double) part / whole;
    }

    private static String percent(long part, long whole) {
        return format("%.0f%%", share(part, whole) * 100);
    }

    private static double rounded(double value) {
        return Math.round(value * 1000) / 1000.0;
    }

    @com.google.errorprone.annotations.FormatMethod
    private static String format(
            @com.google.errorprone.annotations.FormatString String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }
}
