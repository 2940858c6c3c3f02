package org.rbdwrapper.perf.report;

import java.util.Locale;

/** Writes one drawing. */
final class Svg {
    private final StringBuilder text = new StringBuilder();

    Svg(double width, double height, String description) {
        text.append(
                String.format(
                        Locale.ROOT,
                        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\""
                                + " width=\"%.0f\" role=\"img\">\n<title>%s</title>\n",
                        width,
                        height,
                        width,
                        Xml.escape(description)));
    }

    Svg line(String kind, double x1, double y1, double x2, double y2) {
        return add(
                "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
                kind, x1, y1, x2, y2);
    }

    Svg path(String kind, String commands) {
        return add("<path class=\"%s\" d=\"%s\"/>\n", kind, commands);
    }

    /** With a text that is shown where one points at it. */
    Svg rectangle(String kind, double x, double y, double width, double height, String hint) {
        return add(
                "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\""
                        + " height=\"%.1f\"><title>%s</title></rect>\n",
                kind, x, y, width, height, Xml.escape(hint));
    }

    /**
     * @param anchor start, middle or end.
     */
    Svg text(double x, double y, String anchor, String words) {
        return add(
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n",
                x, y, anchor, Xml.escape(words));
    }

    /** Written upwards, its middle here. */
    Svg textUpwards(double x, double y, String words) {
        return add(
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" transform=\"rotate(-90 %.1f"
                        + " %.1f)\">%s</text>\n",
                x, y, x, y, Xml.escape(words));
    }

    /** A point of a series: its shape tells the series as its colour does. */
    Svg mark(int series, double x, double y, String hint) {
        String shape =
                switch (series % 5) {
                    case 0 -> "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z";
                    case 1 -> "M-4 -4h8v8h-8z";
                    case 2 -> "M0 -5l5 9h-10z";
                    case 3 -> "M0 -5l5 5l-5 5l-5 -5z";
                    default -> "M0 5l5 -9h-10z";
                };
        return add(
                "<path class=\"mark c%d\" transform=\"translate(%.1f %.1f)\""
                        + " d=\"%s\"><title>%s</title></path>\n",
                series, x, y, shape, Xml.escape(hint));
    }

    @com.google.errorprone.annotations.FormatMethod
    private Svg add(
            @com.google.errorprone.annotations.FormatString String format, Object... values) {
        text.append(String.format(Locale.ROOT, format, values));
        return this;
    }

    @Override
    public String toString() {
        return text + "</svg>\n";
    }
}
