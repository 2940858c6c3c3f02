package org.rbdwrapper.broker.cli;

import org.rbdwrapper.ipc.codec.StallsDecoder;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What has been stuck in the broker for over a second.
 *
 * @param thread one that is.
 * @param threads how many are.
 * @param what it does.
 */
record StallFigures(String thread, long threads, String what, double seconds) {
    static List<StallFigures> of(StallsDecoder answer) {
        List<StallFigures> figures = new ArrayList<>();
        for (StallsDecoder.StallDecoder stall : answer.stall()) {
            long threads = stall.threads();
            double seconds = stall.lasted() / 1e9;
            String thread = stall.thread();
            figures.add(new StallFigures(thread, threads, stall.what(), seconds));
        }
        return figures;
    }

    Map<String, Object> toFields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("thread", thread);
        fields.put("threads", threads);
        fields.put("what", what);
        fields.put("seconds", seconds);
        return fields;
    }

    String toLine() {
        String others = threads > 1 ? " and " + (threads - 1) + " more" : "";
        return String.format(Locale.ROOT, "%s%s for %.1f s: %s", thread, others, seconds, what);
    }
}
