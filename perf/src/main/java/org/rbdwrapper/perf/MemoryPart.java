package org.rbdwrapper.perf;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * The path without a cluster behind it: a broker with the memory store, its client in another
 * process, and in the same run what the machine can do at best.
 */
final class MemoryPart {
    static final String SYNC = "RbdFile, 1 thread";
    static final String SYNC_4 = "RbdFile, 4 threads";
    static final String ASYNC_16 = "RbdFile async, depth 16";
    static final String ASYNC_64 = "RbdFile async, depth 64";
    static final String PING_PONG = "ring ping-pong, 2 processes";
    static final String PREAD = "pread, page cache";

    private final Environment environment;
    private final Plan plan;

    MemoryPart(Environment environment, Plan plan) {
        this.environment = environment;
        this.plan = plan;
    }

    /**
     * @param samples by kind, one of each round; those of a round were measured one after the
     *     other.
     * @param ratios ours over the yardstick, of each round.
     * @param brokerBytesPerRequest Java heap that the broker's threads allocated.
     */
    record Result(
            Map<String, List<Sample>> samples,
            Map<String, Stats> ratios,
            double brokerBytesPerRequest) {}

    private interface Measurement {
        Sample take(double seconds) throws Exception;
    }

    Result run() throws Exception {
        environment.say("memory part: starting a broker, filling an image");
        try (BrokerProcess broker = BrokerProcess.start(environment, "memory", "memory");
                LoadClient client = LoadClient.start(environment, broker.runDir(), "memory");
                PingPong pingPong = PingPong.start(environment);
                PageCacheFile plain =
                        PageCacheFile.create(environment.scratch().resolve("plain"))) {
            client.create("compare", Plan.MEMORY_IMAGE_BYTES);
            String image = client.map("compare");
            client.fill(image);
            Map<String, Measurement> measurements = new LinkedHashMap<>();
            measurements.put(SYNC, seconds -> client.sync(image, 1, seconds));
            measurements.put(PING_PONG, seconds -> Latencies.sample(pingPong::roundTrip, seconds));
            measurements.put(PREAD, seconds -> Latencies.sample(plain::read, seconds));
            measurements.put(ASYNC_16, seconds -> client.async(image, 16, seconds));
            measurements.put(ASYNC_64, seconds -> client.async(image, 64, seconds));
            measurements.put(SYNC_4, seconds -> client.sync(image, 4, seconds));
            Map<String, List<Sample>> samples = measure(measurements);
            double brokerBytes = brokerBytesPerRequest(broker, measurements.get(SYNC));
            return new Result(samples, ratios(samples), brokerBytes);
        }
    }

    private Map<String, List<Sample>> measure(Map<String, Measurement> measurements)
            throws Exception {
        Map<String, List<Sample>> samples = new LinkedHashMap<>();
        for (Map.Entry<String, Measurement> kind : measurements.entrySet()) {
            environment.say("memory part: warming up: " + kind.getKey());
            kind.getValue().take(plan.warmUpSeconds());
            samples.put(kind.getKey(), new ArrayList<>());
        }
        for (int round = 1; round <= plan.memoryRounds(); round++) {
            environment.say("memory part: round " + round + " of " + plan.memoryRounds());
            for (Map.Entry<String, Measurement> kind : measurements.entrySet()) {
                samples.get(kind.getKey()).add(kind.getValue().take(plan.memorySeconds()));
            }
        }
        return samples;
    }

    private double brokerBytesPerRequest(BrokerProcess broker, Measurement sync) throws Exception {
        environment.say("memory part: allocation of the broker");
        long before = BrokerAllocation.bytes(environment, broker);
        Sample sample = sync.take(plan.memorySeconds());
        // the unmeasured beginning of the sample is a fifth of its length
        double requests = sample.operations() * 1.2;
        return (BrokerAllocation.bytes(environment, broker) - before) / requests;
    }

    private static Map<String, Stats> ratios(Map<String, List<Sample>> samples) {
        Map<String, Stats> ratios = new LinkedHashMap<>();
        ratios.put("p50 / ping-pong's", ratio(samples, PING_PONG, Sample::p50Micros));
        ratios.put("p50 / pread's", ratio(samples, PREAD, Sample::p50Micros));
        ratios.put("p99 / pread's", ratio(samples, PREAD, Sample::p99Micros));
        ratios.put("IOPS / pread's", ratio(samples, PREAD, Sample::iops));
        return ratios;
    }

    private static Stats ratio(
            Map<String, List<Sample>> samples, String yardstick, ToDoubleFunction<Sample> figure) {
        return Stats.ofRatios(
                samples.get(SYNC).stream().map(figure::applyAsDouble).toList(),
                samples.get(yardstick).stream().map(figure::applyAsDouble).toList());
    }
}
