package org.rbdwrapper.adm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.rbdwrapper.adm.Outcome.assertFailure;
import static org.rbdwrapper.adm.Outcome.ok;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What {@code rbdwrapper-broker status} shows of the messengers. */
final class MessengerStatusSystemTest {
    private static final int MIB = 1 << 20;

    private static Installed rbdw;

    @BeforeAll
    static void install() throws Exception {
        rbdw = new Installed();
        Path config = Files.writeString(rbdw.folder.resolve("config"), "messengers=auto\n");
        ok(rbdw.broker("start", "--config", config.toString()));
        ok(rbdw.adm("create", "img0", "--size", "4M"));
        ok(rbdw.adm("map", "img0"));
    }

    @AfterAll
    static void remove() throws IOException {
        rbdw.close();
    }

    @Test
    void shouldCountRequestsAndBytesOfClients() throws Exception {
        write();
        JsonObject before = messenger();
        write();
        JsonObject after = messenger();
        assertEquals(MIB, difference("bytes", before, after));
        assertTrue(difference("requests", before, after) >= 1);
        assertTrue(difference("turns", before, after) >= 1);
        assertTrue(
                difference("requests", before, after) >= difference("turns", before, after),
                "a turn has a request at least");
        assertEquals(0, after.get("in_flight").getAsLong());
        assertEquals(0, after.get("sessions").getAsLong());
    }

    @Test
    void shouldShowARowForEachMessenger() throws Exception {
        write();
        String plain = ok(rbdw.broker("status", "--interval", "0.1"));
        assertTrue(plain.contains("policy       auto"), plain);
        int heading = plain.indexOf("\nmessenger ");
        assertTrue(heading > 0, plain);
        assertEquals(2, plain.substring(heading + 1).lines().count(), plain);
    }

    @Test
    void shouldRefuseIntervalThatIsNone() throws Exception {
        assertFailure(2, rbdw.broker("status", "--interval", "soon"), "--interval", "'soon'");
        assertFailure(2, rbdw.broker("status", "--interval", "0"), "--interval", "'0'");
    }

    @Test
    void shouldRefuseAutoOfOneMapping() throws Exception {
        ok(rbdw.adm("create", "img1", "--size", "1M"));
        assertFailure(
                1,
                rbdw.adm("map", "img1", "-o", "messengers=auto"),
                "messengers=auto",
                "messengers=per-image",
                "EINVAL");
    }

    private static void write() throws Exception {
        ok(
                rbdw.typed(
                        rbdw.folder,
                        "rbdwrapper-run dd if=/dev/zero of=/rbdw/img0 bs=1M count=1 status=none"));
    }

    private static JsonObject messenger() throws Exception {
        return JsonParser.parseString(ok(rbdw.broker("status", "--format", "json")))
                .getAsJsonObject()
                .getAsJsonArray("per_messenger")
                .get(0)
                .getAsJsonObject();
    }

    private static long difference(String field, JsonObject before, JsonObject after) {
        return after.get(field).getAsLong() - before.get(field).getAsLong();
    }
}
