package org.rbdwrapper.perf.report;

import java.util.List;

/** Lying bars, each of which is the sum of two figures. */
record BarChart(
        String title, String axis, String firstName, String secondName, List<Group> groups) {
    private static final double WIDTH = 760;
    private static final double LEFT = 230;
    private static final double RIGHT = 730;
    private static final double TOP = 40;
    private static final double BAR_HEIGHT = 14;
    private static final double STEP = 20;

    /** What is measured of the same thing. */
    record Group(String name, List<Line> lines) {}

    record Line(String name, double first, double second) {
        double sum() {
            return first + second;
        }
    }

    String toSvg() {
        double bottom =
                TOP + groups.stream().mapToDouble(g -> (g.lines().size() + 1.5) * STEP).sum();
        double largest =
                groups.stream()
                        .flatMap(group -> group.lines().stream())
                        .mapToDouble(Line::sum)
                        .max()
                        .orElseThrow();
        Scale scale = Scale.linear(largest, LEFT, RIGHT);
        Svg svg = new Svg(WIDTH, bottom + 50, title);
        svg.rectangle("first", LEFT, 8, BAR_HEIGHT, BAR_HEIGHT, firstName);
        svg.text(LEFT + 20, 20, "start", firstName);
        svg.rectangle("second", LEFT + 180, 8, BAR_HEIGHT, BAR_HEIGHT, secondName);
        svg.text(LEFT + 200, 20, "start", secondName);
        for (double tick : scale.ticks()) {
            svg.line("grid", scale.at(tick), TOP, scale.at(tick), bottom);
            svg.text(scale.at(tick), bottom + 18, "middle", LineChart.number(tick));
        }
        svg.text((LEFT + RIGHT) / 2, bottom + 40, "middle", axis);
        double y = TOP;
        for (Group group : groups) {
            svg.text(8, y + STEP * 0.8, "start", group.name());
            y += STEP * 1.25;
            for (Line line : group.lines()) {
                draw(svg, line, scale, y);
                y += STEP;
            }
            y += STEP * 0.25;
        }
        return svg.toString();
    }

    private void draw(Svg svg, Line line, Scale scale, double y) {
        svg.text(LEFT - 8, y + BAR_HEIGHT - 3, "end", line.name());
        double middle = scale.at(line.first());
        svg.rectangle(
                "first",
                LEFT,
                y,
                middle - LEFT,
                BAR_HEIGHT,
                firstName + ": " + Numbers.micros(line.first()));
        svg.rectangle(
                "second",
                middle,
                y,
                scale.at(line.sum()) - middle,
                BAR_HEIGHT,
                secondName + ": " + Numbers.micros(line.second()));
    }
}
