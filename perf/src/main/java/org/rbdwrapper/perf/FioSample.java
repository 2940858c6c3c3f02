package org.rbdwrapper.perf;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;

import java.io.IOException;

/**
 * What fio measured in one run.
 *
 * @param iops reads and writes.
 * @param p50Micros of the reads, or of the writes where nothing was read; likewise the others.
 * @param cpuMicros processor time of fio and of those that serve it, a request.
 */
record FioSample(
        double iops, double p50Micros, double p99Micros, double p999Micros, double cpuMicros) {
    /**
     * @param output what fio printed: JSON, perhaps after lines of warnings.
     * @param cpuSeconds that were used meanwhile.
     */
    static FioSample parse(String output, double cpuSeconds) throws IOException {
        try {
            JsonObject whole =
                    JsonParser.parseString(output.substring(Math.max(0, output.indexOf('{'))))
                            .getAsJsonObject();
            JsonObject job = whole.getAsJsonArray("jobs").get(0).getAsJsonObject();
            JsonObject read = job.getAsJsonObject("read");
            JsonObject write = job.getAsJsonObject("write");
            double iops = read.get("iops").getAsDouble() + write.get("iops").getAsDouble();
            double requests =
                    read.get("total_ios").getAsDouble() + write.get("total_ios").getAsDouble();
            if (job.get("error").getAsInt() != 0 || iops <= 0) {
                throw new IOException("fio did nothing: error " + job.get("error"));
            }
            JsonObject percentiles =
                    (read.get("total_ios").getAsLong() > 0 ? read : write)
                            .getAsJsonObject("clat_ns")
                            .getAsJsonObject("percentile");
            return new FioSample(
                    iops,
                    percentiles.get("50.000000").getAsDouble() / 1000,
                    percentiles.get("99.000000").getAsDouble() / 1000,
                    percentiles.get("99.900000").getAsDouble() / 1000,
                    cpuSeconds * 1e6 / requests);
        } catch (JsonParseException | IllegalStateException | NullPointerException e) {
            throw new IOException("fio's output is not what was expected: " + output.strip(), e);
        }
    }
}
