package org.rbdwrapper.perf.report;

/** Text inside a page. */
final class Xml {
    private Xml() {}

    /** For elements and for attributes in double quotes. */
    static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
