package org.rbdwrapper.perf.report;

import java.util.Arrays;
import java.util.List;

/**
 * A table, whose first column is words and whose others are figures.
 *
 * @param note empty, or what the figures are.
 */
public record Table(String title, String note, List<String> columns, List<List<String>> rows) {
    /** For a terminal. */
    public String toText() {
        int[] widths = new int[columns.size()];
        widen(widths, columns);
        rows.forEach(row -> widen(widths, row));
        StringBuilder text = new StringBuilder("\n").append(title).append('\n');
        if (!note.isEmpty()) {
            text.append(note).append('\n');
        }
        append(text, widths, columns);
        rows.forEach(row -> append(text, widths, row));
        return text.toString();
    }

    private static void widen(int[] widths, List<String> cells) {
        Arrays.setAll(widths, i -> Math.max(widths[i], cells.get(i).length()));
    }

    private static void append(StringBuilder text, int[] widths, List<String> cells) {
        StringBuilder line = new StringBuilder("  ");
        for (int i = 0; i < widths.length; i++) {
            String padding = " ".repeat(widths[i] - cells.get(i).length());
            line.append(i == 0 ? cells.get(i) + padding : "  " + padding + cells.get(i));
        }
        text.append(line.toString().stripTrailing()).append('\n');
    }

    String toHtml() {
        StringBuilder html = new StringBuilder();
        html.append("<h3>").append(Xml.escape(title)).append("</h3>\n");
        if (!note.isEmpty()) {
            html.append("<p>").append(Xml.escape(note)).append("</p>\n");
        }
        html.append("<div class=\"wide\"><table>\n<thead>");
        appendHtml(html, "th", columns);
        html.append("</thead>\n<tbody>\n");
        rows.forEach(row -> appendHtml(html, "td", row));
        return html.append("</tbody>\n</table></div>\n").toString();
    }

    private static void appendHtml(StringBuilder html, String tag, List<String> cells) {
        html.append("<tr>");
        for (String cell : cells) {
            String kind = cell.equals("MISSED") ? " class=\"missed\"" : "";
            html.append('<').append(tag).append(kind).append('>');
            html.append(Xml.escape(cell)).append("</").append(tag).append('>');
        }
        html.append("</tr>\n");
    }
}
