package org.rbdwrapper.perf;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * fio's own rbd engine: librbd inside the measuring process, which is what we are compared with.
 *
 * @param conf ceph.conf, which librados takes from the environment.
 */
record FioRun(Environment environment, Path conf, String image) {
    private static final Duration FILL_LIMIT = Duration.ofMinutes(3);
    private static final Duration SPARE = Duration.ofMinutes(1);

    /** Null where fio and its rbd engine are installed, else what is missing. */
    static String missing(Environment environment) {
        try {
            Child child =
                    Child.start(
                            "fio",
                            List.of("fio", "--enghelp=rbd"),
                            Map.of(),
                            environment.scratch().resolve("fio.help"));
            String help = environment.cleanup().add(child).await(SPARE);
            return help.contains("rbdname") ? null : "fio is without its rbd engine";
        } catch (IOException e) {
            return "fio with its rbd engine is missing: install the package fio ("
                    + e.getMessage()
                    + ")";
        }
    }

    /** Writes the whole image: reads of what was never written would not reach the OSD. */
    void fill() throws IOException {
        fill(Plan.CEPH_IMAGE_BYTES);
    }

    void fill(long bytes) throws IOException {
        run(FILL_LIMIT, "--rw=write", "--bs=4M", "--iodepth=4", "--size=" + bytes);
    }

    /** IOPS of 4 KiB random reads, after a second unmeasured. */
    double randomReads(int depth, double seconds) throws IOException {
        String json =
                run(
                        SPARE.plusMillis((long) (seconds * 1000)),
                        "--rw=randread",
                        "--bs=" + Plan.BLOCK,
                        "--iodepth=" + depth,
                        "--norandommap",
                        "--randrepeat=0",
                        "--time_based",
                        "--ramp_time=1",
                        "--runtime=" + (long) (seconds * 1000) + "ms");
        return parseReadIops(json);
    }

    private String run(Duration limit, String... load) throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "fio",
                                "--name=compare",
                                "--ioengine=rbd",
                                "--clientname=admin",
                                "--pool=rbd",
                                "--rbdname=" + image,
                                "--direct=1",
                                // no process of its own that could outlive it
                                "--thread",
                                // fio at its best: it need not time single reads
                                "--gtod_reduce=1",
                                "--size=" + Plan.CEPH_IMAGE_BYTES,
                                "--output-format=json"));
        command.addAll(List.of(load));
        try (Child child =
                Child.start(
                        "fio",
                        command,
                        Map.of("CEPH_CONF", conf.toString()),
                        environment.scratch().resolve("fio.out"))) {
            return environment.cleanup().add(child).await(limit);
        }
    }

    /** Of what fio printed: JSON, perhaps after lines of warnings. */
    static double parseReadIops(String output) throws IOException {
        try {
            JsonObject whole =
                    JsonParser.parseString(output.substring(Math.max(0, output.indexOf('{'))))
                            .getAsJsonObject();
            JsonObject job = whole.getAsJsonArray("jobs").get(0).getAsJsonObject();
            double iops = job.getAsJsonObject("read").get("iops").getAsDouble();
            if (job.get("error").getAsInt() != 0 || iops <= 0) {
                throw new IOException("fio did not read: error " + job.get("error"));
            }
            return iops;
        } catch (JsonParseException | IllegalStateException | NullPointerException e) {
            throw new IOException("fio's output is not what was expected: " + output.strip(), e);
        }
    }
}
