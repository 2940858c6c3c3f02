package org.rbdwrapper.broker.cli;

import org.rbdwrapper.ipc.codec.LimitsDecoder;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How much of something clients have, and may have.
 *
 * @param resource as the broker calls it.
 */
record LimitFigures(String resource, long used, long maximum, long userMaximum) {
    static List<LimitFigures> of(LimitsDecoder answer) {
        List<LimitFigures> figures = new ArrayList<>();
        for (LimitsDecoder.ResourceDecoder limit : answer.resource()) {
            long used = limit.used();
            long maximum = limit.maximum();
            long userMaximum = limit.userMaximum();
            figures.add(new LimitFigures(limit.name(), used, maximum, userMaximum));
        }
        return figures;
    }

    Map<String, Object> toFields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("used", used);
        fields.put("max", maximum);
        fields.put("max_per_user", userMaximum);
        return fields;
    }
}
