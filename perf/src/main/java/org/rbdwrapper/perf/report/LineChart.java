package org.rbdwrapper.perf.report;

import java.util.List;
import java.util.Locale;

/** Lines through points: a figure against another. */
record LineChart(String title, Axis x, Axis y, List<Series> series) {
    private static final double WIDTH = 760;
    private static final double HEIGHT = 380;
    private static final double LEFT = 80;
    private static final double RIGHT = 540;
    private static final double TOP = 20;
    private static final double BOTTOM = 320;

    /**
     * @param label with its unit.
     */
    record Axis(String label, boolean logarithmic) {
        Scale scale(double smallest, double largest, double from, double to) {
            return logarithmic
                    ? Scale.logarithmic(smallest, largest, from, to)
                    : Scale.linear(largest, from, to);
        }
    }

    /**
     * @param hint says what the point is.
     */
    record Point(double x, double y, String hint) {}

    /**
     * @param style number of its colour and mark, the same in all charts.
     */
    record Series(String name, int style, List<Point> points) {}

    String toSvg() {
        Scale across =
                x.scale(
                        all().mapToDouble(Point::x).min().orElseThrow(),
                        all().mapToDouble(Point::x).max().orElseThrow(),
                        LEFT,
                        RIGHT);
        Scale up =
                y.scale(
                        all().mapToDouble(Point::y).min().orElseThrow(),
                        all().mapToDouble(Point::y).max().orElseThrow(),
                        BOTTOM,
                        TOP);
        Svg svg = new Svg(WIDTH, HEIGHT, title);
        for (double tick : across.ticks()) {
            svg.line("grid", across.at(tick), TOP, across.at(tick), BOTTOM);
            svg.text(across.at(tick), BOTTOM + 18, "middle", number(tick));
        }
        for (double tick : up.ticks()) {
            svg.line("grid", LEFT, up.at(tick), RIGHT, up.at(tick));
            svg.text(LEFT - 8, up.at(tick) + 4, "end", number(tick));
        }
        svg.text((LEFT + RIGHT) / 2, BOTTOM + 44, "middle", x.label());
        svg.textUpwards(18, (TOP + BOTTOM) / 2, y.label());
        for (int i = 0; i < series.size(); i++) {
            draw(svg, series.get(i), across, up);
            double legend = TOP + 10 + i * 22;
            svg.mark(series.get(i).style(), RIGHT + 24, legend, series.get(i).name());
            svg.text(RIGHT + 36, legend + 4, "start", series.get(i).name());
        }
        return svg.toString();
    }

    private java.util.stream.Stream<Point> all() {
        return series.stream().flatMap(each -> each.points().stream());
    }

    private static void draw(Svg svg, Series series, Scale across, Scale up) {
        StringBuilder path = new StringBuilder();
        for (Point point : series.points()) {
            path.append(path.isEmpty() ? "M" : "L")
                    .append(
                            String.format(
                                    Locale.ROOT,
                                    "%.1f %.1f",
                                    across.at(point.x()),
                                    up.at(point.y())));
        }
        svg.path("series c" + series.style(), path.toString());
        for (Point point : series.points()) {
            svg.mark(
                    series.style(),
                    across.at(point.x()),
                    up.at(point.y()),
                    series.name() + ", " + point.hint());
        }
    }

    /** 20 k instead of 20000. */
    static String number(double value) {
        return value >= 1000
                ? Numbers.plain(Math.round(value / 100) / 10.0) + " k"
                : Numbers.plain(Math.round(value * 100) / 100.0);
    }
}
