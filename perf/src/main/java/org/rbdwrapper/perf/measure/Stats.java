package org.rbdwrapper.perf.measure;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/** Median and extremes of what was measured several times. */
public record Stats(double median, double min, double max) {
    /**
     * @throws IllegalArgumentException where there is none.
     */
    public static Stats of(double... values) {
        if (values.length == 0) {
            throw new IllegalArgumentException("there is nothing to take the median of");
        }
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        double median =
                sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Stats(median, sorted[0], sorted[sorted.length - 1]);
    }

    public static <T> Stats of(Collection<T> samples, ToDoubleFunction<T> figure) {
        return of(samples.stream().mapToDouble(figure).toArray());
    }

    /** Of each pair's own ratio: what slows the machine for a while slows both of a pair. */
    public static Stats ofRatios(List<Double> ours, List<Double> theirs) {
        return of(
                IntStream.range(0, ours.size())
                        .mapToDouble(i -> ours.get(i) / theirs.get(i))
                        .toArray());
    }
}
