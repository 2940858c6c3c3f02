package org.rbdwrapper.adm;

import com.google.gson.GsonBuilder;

import java.io.PrintWriter;

/** For people, or for scripts. */
enum Format {
    PLAIN,
    JSON,
    XML;

    /** One line, as rbd prints it without --pretty-format. */
    static void printJson(PrintWriter out, Object value) {
        out.println(new GsonBuilder().disableHtmlEscaping().create().toJson(value));
    }
}
