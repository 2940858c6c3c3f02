package org.rbdwrapper.perf.report;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;

import java.util.List;

/** What a run found: for the terminal, for programs, and as a page. */
public final class Report {
    private static final Gson GSON = new GsonBuilder().setPrettyPrinting().create();

    private final Findings findings;
    private final List<Bar> bars;
    private final List<Table> tables;

    public Report(Findings findings) {
        this.findings = findings;
        this.bars = Bars.of(findings);
        this.tables = Tables.of(findings);
    }

    public String toText() {
        StringBuilder text = new StringBuilder();
        tables.forEach(table -> text.append(table.toText()));
        text.append(Tables.bars(bars).toText());
        findings.leftOut()
                .forEach((what, why) -> text.append("\nWithout %s: %s".formatted(what, why)));
        return text.append('\n').toString();
    }

    public String toJson() {
        JsonObject json = GSON.toJsonTree(findings).getAsJsonObject();
        json.add("bars", GSON.toJsonTree(bars));
        return GSON.toJson(json) + "\n";
    }

    /** One file that needs no other. */
    public String toHtml() {
        return new HtmlPage(findings, Tables.bars(bars), tables).toString();
    }
}
