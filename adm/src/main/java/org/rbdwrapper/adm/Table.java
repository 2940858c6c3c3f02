package org.rbdwrapper.adm;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/**
 * Rows in columns, as rbd prints them: two blanks between, each column as wide as its widest entry.
 */
final class Table {
    private final List<List<String>> rows = new ArrayList<>();

    Table(String... headings) {
        rows.add(List.of(headings));
    }

    void add(Object... entries) {
        List<String> row = new ArrayList<>();
        for (Object entry : entries) {
            row.add(entry.toString());
        }
        rows.add(row);
    }

    /** Nothing where there is no row but the headings. */
    void print(PrintWriter out) {
        if (rows.size() == 1) {
            return;
        }
        int columns = rows.getFirst().size();
        int[] widths = new int[columns];
        for (List<String> row : rows) {
            for (int i = 0; i < columns; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < columns; i++) {
                line.append(row.get(i)).repeat(' ', widths[i] - row.get(i).length() + 2);
            }
            out.println(line.toString().stripTrailing());
        }
    }
}
