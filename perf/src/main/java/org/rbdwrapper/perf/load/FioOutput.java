package org.rbdwrapper.perf.load;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;

import org.rbdwrapper.perf.measure.Sample;

import java.io.IOException;

/** What fio prints. */
final class FioOutput {
    private FioOutput() {}

    /**
     * @param output JSON, perhaps after lines of warnings; one group of jobs.
     */
    static Sample parse(String output) throws IOException {
        try {
            JsonObject whole =
                    JsonParser.parseString(output.substring(Math.max(0, output.indexOf('{'))))
                            .getAsJsonObject();
            JsonObject job = whole.getAsJsonArray("jobs").get(0).getAsJsonObject();
            JsonObject read = job.getAsJsonObject("read");
            JsonObject write = job.getAsJsonObject("write");
            double iops = read.get("iops").getAsDouble() + write.get("iops").getAsDouble();
            if (job.get("error").getAsInt() != 0 || iops <= 0) {
                throw new IOException("fio did nothing: error " + job.get("error"));
            }
            JsonObject percentiles =
                    (read.get("total_ios").getAsLong() > 0 ? read : write)
                            .getAsJsonObject("clat_ns")
                            .getAsJsonObject("percentile");
            return new Sample(
                    read.get("total_ios").getAsLong() + write.get("total_ios").getAsLong(),
                    iops,
                    percentiles.get("50.000000").getAsDouble() / 1000,
                    percentiles.get("99.000000").getAsDouble() / 1000,
                    percentiles.get("99.900000").getAsDouble() / 1000,
                    Sample.UNKNOWN);
        } catch (JsonParseException | IllegalStateException | NullPointerException e) {
            throw new IOException("fio's output is not what was expected: " + output.strip(), e);
        }
    }
}
