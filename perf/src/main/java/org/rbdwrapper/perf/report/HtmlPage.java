package org.rbdwrapper.perf.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** One file that needs no other and no network. It is well-formed XML, too. */
record HtmlPage(Findings findings, Table bars, List<Table> tables) {
    private static final String STYLE = "report.css";

    @Override
    public String toString() {
        StringBuilder html = new StringBuilder();
        html.append("<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n");
        html.append("<head><meta charset=\"utf-8\"/>");
        html.append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n");
        html.append("<title>rbdwrapper: comparison</title>\n");
        html.append("<style>\n").append(style()).append("</style></head>\n<body>\n");
        html.append("<h1>rbdwrapper beside other ways to an image</h1>\n");
        appendMachine(html);
        html.append("<h2>What must hold</h2>\n").append(bars.toHtml());
        List<Charts.Chart> charts = Charts.of(findings);
        if (!charts.isEmpty()) {
            html.append("<h2>Plots</h2>\n");
        }
        for (Charts.Chart chart : charts) {
            html.append("<figure><figcaption>").append(Xml.escape(chart.title()));
            html.append("</figcaption>\n").append(chart.svg()).append("</figure>\n");
        }
        html.append("<h2>Figures</h2>\n");
        tables.forEach(table -> html.append(table.toHtml()));
        return html.append("</body></html>\n").toString();
    }

    private void appendMachine(StringBuilder html) {
        html.append("<dl>\n");
        item(html, "date", findings.date());
        findings.machine().forEach((key, value) -> item(html, key, value.toString()));
        item(
                html,
                "samples",
                "%d rounds; %s s each, %s s on the memory store"
                        .formatted(
                                findings.plan().rounds(),
                                Numbers.plain(findings.plan().seconds()),
                                Numbers.plain(findings.plan().memorySeconds())));
        findings.leftOut().forEach((what, why) -> item(html, "without " + what.strip(), why));
        html.append("</dl>\n");
        html.append(
                "<p>Figures vary with the machine and its load: trust the ratios, which compare"
                        + " samples of the same round.</p>\n");
    }

    private static void item(StringBuilder html, String name, String value) {
        html.append("<dt>").append(Xml.escape(name)).append("</dt><dd>");
        html.append(Xml.escape(value)).append("</dd>\n");
    }

    private static String style() {
        try (InputStream style = HtmlPage.class.getResourceAsStream(STYLE)) {
            return new String(style.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
