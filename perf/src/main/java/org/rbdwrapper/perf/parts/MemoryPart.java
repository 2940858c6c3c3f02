package org.rbdwrapper.perf.parts;

import org.rbdwrapper.perf.load.Job;
import org.rbdwrapper.perf.load.Latencies;
import org.rbdwrapper.perf.load.LoadClient;
import org.rbdwrapper.perf.load.NativeProgram;
import org.rbdwrapper.perf.load.PageCacheFile;
import org.rbdwrapper.perf.load.PingPong;
import org.rbdwrapper.perf.machine.BrokerAllocation;
import org.rbdwrapper.perf.machine.BrokerProcess;
import org.rbdwrapper.perf.machine.Environment;
import org.rbdwrapper.perf.measure.Sample;
import org.rbdwrapper.perf.measure.Stats;
import org.rbdwrapper.perf.measure.Timeline;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * The path without a cluster behind it: a broker with the memory store, its client in another
 * process, and in the same run what the machine can do at best.
 */
public final class MemoryPart {
    static final String SYNC = "RbdFile, 1 thread";
    static final String LIBRARY_ENTRY = "librbdw in C, 64 bytes";
    static final String ENTRY = "RbdFile, 1 thread, 64 bytes";
    static final String SYNC_4 = "RbdFile, 4 threads";
    static final String ASYNC_16 = "RbdFile async, depth 16";
    static final String ASYNC_64 = "RbdFile async, depth 64";
    static final String PING_PONG_C = "ring ping-pong in C";
    static final String PING_PONG = "ring ping-pong in Java";
    static final String PREAD = "pread, page cache";

    private static final long IMAGE_BYTES = 256L << 20;

    /** Stays in a core's cache: of a round trip the way is timed, not the memory at its end. */
    private static final long SMALL_IMAGE_BYTES = 64L << 10;

    private final Environment environment;
    private final Plan plan;

    public MemoryPart(Environment environment, Plan plan) {
        this.environment = environment;
        this.plan = plan;
    }

    /**
     * @param samples by kind, one of each round; those of a round were measured one after the
     *     other.
     * @param ratios of the path over the yardstick, of each round.
     * @param roundTripRatio median latency over that of the ping-pong, of each round, where both
     *     move 64 bytes: most of what a longer read takes is the copy from core to core.
     * @param libraryRoundTripRatio the same of librbdw in C; null without a compiler.
     * @param ringRoundTripMicros the ping-pong's median, in C where a compiler is there.
     * @param brokerBytesPerRequest Java heap that the broker's threads allocated.
     * @param leftOut what this machine does not have, and why.
     */
    public record Result(
            Map<String, List<Sample>> samples,
            Map<String, Stats> ratios,
            Stats roundTripRatio,
            Stats libraryRoundTripRatio,
            Stats ringRoundTripMicros,
            double brokerBytesPerRequest,
            Map<String, String> leftOut) {}

    private interface Measurement {
        Sample take(double seconds) throws Exception;
    }

    public Result run() throws Exception {
        environment.say("memory: starting a broker, filling an image");
        NativeProgram pingPongC = new NativeProgram(environment, "ping_pong");
        NativeProgram library = new NativeProgram(environment, "library_reads");
        Map<String, String> leftOut = new LinkedHashMap<>();
        for (Map.Entry<String, NativeProgram> each :
                Map.of(PING_PONG_C, pingPongC, LIBRARY_ENTRY, library).entrySet()) {
            String missing = each.getValue().missing();
            if (!missing.isEmpty()) {
                leftOut.put(each.getKey(), missing);
                environment.say("memory: without " + each.getKey() + ": " + missing);
            }
        }
        try (BrokerProcess broker = BrokerProcess.start(environment, "memory", "memory");
                LoadClient client = LoadClient.start(environment, broker.runDir(), "memory");
                PingPong pingPong = PingPong.start(environment);
                PageCacheFile plain =
                        PageCacheFile.create(environment.scratch().resolve("plain"), IMAGE_BYTES)) {
            client.create("compare", IMAGE_BYTES);
            String image = client.map("compare");
            client.fill(image);
            client.create("compare-small", SMALL_IMAGE_BYTES);
            String small = client.map("compare-small");
            client.fill(small);
            Map<String, Measurement> measurements = new LinkedHashMap<>();
            measurements.put(SYNC, seconds -> client.load(image, Job.READ_1, 1, timeline(seconds)));
            measurements.put(
                    ENTRY, seconds -> client.load(small, Job.READ_ENTRY, 1, timeline(seconds)));
            if (leftOut.isEmpty()) {
                measurements.put(
                        LIBRARY_ENTRY,
                        seconds ->
                                library.start(
                                                timeline(seconds),
                                                environment.librbdw().toString(),
                                                broker.runDir().toString(),
                                                small,
                                                Integer.toString(Job.READ_ENTRY.block()))
                                        .await());
                measurements.put(
                        PING_PONG_C, seconds -> pingPongC.start(timeline(seconds)).await());
            }
            measurements.put(PING_PONG, seconds -> Latencies.sample(pingPong::roundTrip, seconds));
            measurements.put(PREAD, seconds -> Latencies.sample(plain::read, seconds));
            measurements.put(
                    ASYNC_16, seconds -> client.load(image, Job.READ_16, 1, timeline(seconds)));
            measurements.put(
                    ASYNC_64, seconds -> client.load(image, Job.READ_64, 1, timeline(seconds)));
            measurements.put(
                    SYNC_4, seconds -> client.load(image, Job.READ_1, 4, timeline(seconds)));
            Map<String, List<Sample>> samples = measure(measurements);
            String pingPongKind = leftOut.isEmpty() ? PING_PONG_C : PING_PONG;
            return new Result(
                    samples,
                    ratios(samples),
                    ratio(samples, ENTRY, pingPongKind, Sample::p50Micros),
                    leftOut.isEmpty()
                            ? ratio(samples, LIBRARY_ENTRY, PING_PONG_C, Sample::p50Micros)
                            : null,
                    Stats.of(samples.get(pingPongKind), Sample::p50Micros),
                    brokerBytesPerRequest(broker, client, image),
                    leftOut);
        }
    }

    private static Timeline timeline(double seconds) {
        return new Timeline(seconds / 5, seconds);
    }

    private Map<String, List<Sample>> measure(Map<String, Measurement> measurements)
            throws Exception {
        Map<String, List<Sample>> samples = new LinkedHashMap<>();
        for (Map.Entry<String, Measurement> kind : measurements.entrySet()) {
            environment.say("memory: warming up: " + kind.getKey());
            kind.getValue().take(plan.warmUpSeconds());
            samples.put(kind.getKey(), new ArrayList<>());
        }
        Progress progress = new Progress(environment, "memory", plan.rounds());
        for (int round = 1; round <= plan.rounds(); round++) {
            progress.step("each of " + measurements.size() + " in turns");
            for (Map.Entry<String, Measurement> kind : measurements.entrySet()) {
                samples.get(kind.getKey()).add(kind.getValue().take(plan.memorySeconds()));
            }
        }
        return samples;
    }

    private double brokerBytesPerRequest(BrokerProcess broker, LoadClient client, String image)
            throws Exception {
        environment.say("memory: allocation of the broker");
        long before = BrokerAllocation.bytes(environment, broker);
        Timeline timeline = new Timeline(0, plan.memorySeconds());
        long requests = client.load(image, Job.READ_1, 1, timeline).operations();
        long after = BrokerAllocation.bytes(environment, broker);
        return (double) (after - before) / requests;
    }

    private static Map<String, Stats> ratios(Map<String, List<Sample>> samples) {
        Map<String, Stats> ratios = new LinkedHashMap<>();
        if (samples.containsKey(PING_PONG_C)) {
            ratios.put(
                    "p50, 64 bytes / ping-pong's in C",
                    ratio(samples, ENTRY, PING_PONG_C, Sample::p50Micros));
            ratios.put(
                    "p50 / ping-pong's in C", ratio(samples, SYNC, PING_PONG_C, Sample::p50Micros));
        }
        ratios.put("p50 / ping-pong's in Java", ratio(samples, SYNC, PING_PONG, Sample::p50Micros));
        ratios.put("p50 / pread's", ratio(samples, SYNC, PREAD, Sample::p50Micros));
        ratios.put("p99 / pread's", ratio(samples, SYNC, PREAD, Sample::p99Micros));
        ratios.put("IOPS / pread's", ratio(samples, SYNC, PREAD, Sample::iops));
        return ratios;
    }

    private static Stats ratio(
            Map<String, List<Sample>> samples,
            String kind,
            String yardstick,
            ToDoubleFunction<Sample> figure) {
        return Stats.ofRatios(
                samples.get(kind).stream().map(figure::applyAsDouble).toList(),
                samples.get(yardstick).stream().map(figure::applyAsDouble).toList());
    }
}
