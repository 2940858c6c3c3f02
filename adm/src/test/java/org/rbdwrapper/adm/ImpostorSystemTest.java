package org.rbdwrapper.adm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.rbdwrapper.adm.Outcome.assertFailure;
import static org.rbdwrapper.adm.Outcome.ok;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.ipc.posix.ProcessIdentity;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/**
 * A user who plays the broker before another user's programs, C and Java: whatever he does, they
 * find the system's broker, which runs as a user of its own, and he is sent nothing.
 *
 * <p>In a mount namespace, where {@code /tmp} is everybody's and {@code /run} is the test's.
 */
final class ImpostorSystemTest {
    private static final int ATTACKER = 65534;
    private static final int VICTIM = 48151;
    private static final int BROKER = 48152;
    private static final String SYSTEM = "RBDW_RUN_DIR=/run/rbdwrapper";
    private static final String OWN_RUN_DIR = "/tmp/rbdwrapper-" + VICTIM;
    private static final String IMAGE = "/rbdw/img";
    private static final String PYTHON = "/usr/bin/python3";
    private static final int C_PROGRAMS = 300;
    private static final int JAVA_OPENS = 1000;

    private static final String C_LOOP =
            """
            n=0
            for i in $(seq %d); do
                "$0" read %s 0 4 > /dev/null && n=$((n + 1))
            done
            echo "succeeded $n"
            """
                    .formatted(C_PROGRAMS, IMAGE);

    /** Reads, waits for a line, and reads again. */
    private static final String HOLD =
            """
            import os, sys
            image = os.open(sys.argv[1], os.O_RDONLY)
            assert len(os.pread(image, 4, 0)) == 4
            print("has read", flush=True)
            sys.stdin.readline()
            assert len(os.pread(image, 4, 4096)) == 4
            """;

    private Installed rbdw;
    private SharedHost host;

    @BeforeEach
    void startSystemsBroker() throws Exception {
        assumeTrue(ProcessIdentity.uid() == 0, "needs root to become other users");
        assumeTrue(SharedHost.canBeMade(), "no mount namespace can be made here");
        rbdw = Installed.forEveryUser();
        Path state = Files.createDirectory(rbdw.stateDir());
        Files.setAttribute(state, "unix:uid", BROKER);
        host = new SharedHost(rbdw, BROKER);
        ok(rbdw.run(as(BROKER, SYSTEM), "rbdwrapper-broker", "start"));
        ok(rbdw.run(as(BROKER, SYSTEM), "rbdwrapper-adm", "create", "img", "--size", "1M"));
        ok(rbdw.run(as(BROKER, SYSTEM), "rbdwrapper-adm", "map", "img", "--mode", "0666"));
    }

    @AfterEach
    void stopBroker() throws Exception {
        if (host != null) {
            host.close();
        }
        if (rbdw != null) {
            rbdw.close();
        }
    }

    @Test
    void shouldFindSystemsBrokerAndSayNothingToOneWhoseFolderComesAndGoes() throws Exception {
        Process impostor = startImpostor("rename", OWN_RUN_DIR);
        Process c = startC(VICTIM);
        String ofC = SharedHost.output(c);
        String ofJava =
                SharedHost.output(startJava(VICTIM, "TrustingClient", IMAGE, "" + JAVA_OPENS));
        String ofImpostor = end(impostor);
        assertTrue(ofImpostor.strip().endsWith(" bytes 0"), ofImpostor);
        assertTrue(ofImpostor.matches("(?s).*renamed [1-9][0-9]{3,}, .*"), ofImpostor);
        assertEquals("succeeded " + C_PROGRAMS, ofC.strip());
        assertEquals("succeeded " + JAVA_OPENS, ofJava.strip());
    }

    @Test
    void shouldFindSystemsBrokerBesideFolderOfAnotherUser() throws Exception {
        Process impostor = startImpostor("stay", OWN_RUN_DIR);
        assertEquals("succeeded " + C_PROGRAMS, SharedHost.output(startC(VICTIM)).strip());
        assertEquals(
                "succeeded 10",
                SharedHost.output(startJava(VICTIM, "TrustingClient", IMAGE, "10")).strip());
        ok(rbdw.run(as(VICTIM), "rbdwrapper-adm", "showmapped"));
        // where one looks for it, it is said
        String passedOver = OWN_RUN_DIR + " is not used: it belongs to uid " + ATTACKER;
        Installed.Result report =
                rbdw.run(as(VICTIM, "RBDW_REPORT=1"), "rbdwrapper-run", "head", "-c", "4", IMAGE);
        assertEquals(0, report.code());
        assertEquals(1, report.err().lines().filter(line -> line.contains(passedOver)).count());
        assertTrue(
                ok(rbdw.run(as(VICTIM), "rbdwrapper-adm", "doctor", "/bin/cat"))
                        .contains(passedOver));
        // and where nothing else is found
        ok(rbdw.run(as(BROKER, SYSTEM), "rbdwrapper-broker", "stop"));
        Installed.Result none = rbdw.run(as(VICTIM), "rbdwrapper-adm", "showmapped");
        assertFailure(1, none, "no broker is running", passedOver, "ECONNREFUSED");
        // nor is one waited for whose socket is an impostor's
        assertFailure(1, readByC(as(VICTIM)), "no broker is running", passedOver, "ECONNREFUSED");
        assertTrue(end(impostor).contains("connections 0, bytes 0"));
    }

    @Test
    void shouldRefuseFolderOfAnotherUserThatIsNamed() throws Exception {
        host.run("install -d -o " + ATTACKER + " /tmp/his");
        Process impostor = startImpostor("stay", "/tmp/his/run");
        host.run("ln -s /tmp/his/run /run/link");
        for (String named : List.of("/tmp/his/run", "/run/link")) {
            List<String> victim = as(VICTIM, "RBDW_RUN_DIR=" + named);
            assertFailure(1, rbdw.run(victim, "rbdwrapper-adm", "showmapped"), named, "EACCES");
            assertFailure(1, readByC(victim), named, "EACCES");
            List<String> root = as(0, "RBDW_RUN_DIR=" + named);
            assertFailure(1, rbdw.run(root, "rbdwrapper-broker", "stop"), named, "EACCES");
            assertFailure(
                    1, rbdw.run(root, "rbdwrapper-broker", "restart"), named, "uid 65534", "EPERM");
        }
        assertTrue(end(impostor).contains("connections 0, bytes 0"));
    }

    /** He listens where the victim's own folder lets him. */
    @Test
    void shouldSayNothingToServerOfAnotherUser() throws Exception {
        host.run("install -d -m 777 -o " + VICTIM + " /tmp/mine");
        Process impostor = startImpostor("stay", "/tmp/mine");
        List<String> victim = as(VICTIM, "RBDW_RUN_DIR=/tmp/mine");
        String why = "uid " + ATTACKER + " listens there";
        assertFailure(1, rbdw.run(victim, "rbdwrapper-adm", "showmapped"), why, "EACCES");
        assertFailure(1, readByC(victim), why, "EACCES");
        String connected = end(impostor);
        assertTrue(connected.matches("(?s).*connections [1-9][0-9]*, bytes 0\\s*"), connected);
    }

    @Test
    void shouldUseBrokersOfRootOfItsUserAndOfTheUserWhoHasTheFolderThatIsNamed() throws Exception {
        for (int user : List.of(0, VICTIM, BROKER, ATTACKER)) {
            ok(rbdw.run(as(user), "rbdwrapper-adm", "showmapped"));
            assertEquals("", ok(readByC(as(user))).replace("\0", ""));
        }
        ok(rbdw.run(as(BROKER, SYSTEM), "rbdwrapper-broker", "stop"));
        // its own, in /tmp
        host.run("install -d -m 700 -o " + VICTIM + " /tmp/state");
        String victimsState = "RBDW_STATE_DIR=/tmp/state";
        ok(rbdw.run(as(VICTIM, victimsState), "rbdwrapper-broker", "start"));
        assertTrue(ok(rbdw.run(as(VICTIM), "rbdwrapper-broker", "status")).contains(OWN_RUN_DIR));
        ok(rbdw.run(as(VICTIM), "rbdwrapper-adm", "showmapped"));
        assertFailure(1, rbdw.run(as(ATTACKER), "rbdwrapper-adm", "showmapped"), "ECONNREFUSED");
        ok(rbdw.run(as(VICTIM), "rbdwrapper-broker", "stop"));
        // root's
        host.run("chown -R 0 /run/rbdwrapper; install -d -m 700 /tmp/roots");
        ok(rbdw.run(as(0, "RBDW_STATE_DIR=/tmp/roots"), "rbdwrapper-broker", "start"));
        ok(rbdw.run(as(VICTIM), "rbdwrapper-adm", "showmapped"));
        ok(rbdw.run(as(0), "rbdwrapper-broker", "stop"));
        host.run("chown -R " + BROKER + " /run/rbdwrapper");
    }

    /** A folder that others may write is no reason to go on with whoever comes next. */
    @Test
    void shouldNotGoOnWithAnotherUsersServerWhenItsBrokerHasDied() throws Exception {
        assumeTrue(Files.isExecutable(Path.of(PYTHON)), "python3 is not installed");
        host.run("install -d -m 700 -o " + VICTIM + " /tmp/mine /tmp/state");
        String[] mine = {"RBDW_RUN_DIR=/tmp/mine", "RBDW_STATE_DIR=/tmp/state"};
        ok(rbdw.run(as(VICTIM, mine), "rbdwrapper-broker", "start"));
        ok(rbdw.run(as(VICTIM, mine), "rbdwrapper-adm", "create", "img", "--size", "1M"));
        ok(rbdw.run(as(VICTIM, mine), "rbdwrapper-adm", "map", "img"));
        String run = rbdw.folder.resolve("tree/bin/rbdwrapper-run").toString();
        Process c = host.start(as(VICTIM, mine), run, PYTHON, "-c", HOLD, IMAGE);
        Process java =
                host.start(as(VICTIM, mine), host.javaWords("TrustingClient", IMAGE, "hold"));
        SharedHost.awaitLine(c, "has read");
        SharedHost.awaitLine(java, "has read");
        host.run("kill -9 $(cat /tmp/mine/broker.pid); chmod 777 /tmp/mine");
        Process impostor = startImpostor("stay", "/tmp/mine");
        for (Process client : List.of(c, java)) {
            client.getOutputStream().write('\n');
            client.getOutputStream().flush();
        }
        for (int tried = 0; tried < 4; tried++) {
            SharedHost.awaitLine(impostor, "connected");
        }
        assertTrue(c.isAlive() && java.isAlive());
        String ofImpostor = end(impostor);
        assertTrue(ofImpostor.strip().endsWith(" bytes 0"), ofImpostor);
        host.run("chmod 755 /tmp/mine; rm /tmp/mine/broker.sock");
        ok(rbdw.run(as(VICTIM, mine), "rbdwrapper-broker", "start"));
        SharedHost.output(c);
        SharedHost.output(java);
        ok(rbdw.run(as(VICTIM, mine), "rbdwrapper-broker", "stop"));
    }

    @Test
    void shouldNotWriteThroughLinksInRunDirectoryOfAnotherUser() throws Exception {
        Path secret = Files.writeString(rbdw.folder.resolve("secret"), "not to be touched");
        Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rw-------"));
        host.run(
                ("install -d -m 755 -o 65534 /tmp/his /run/his; ln -s %1$s /tmp/his/.lock;"
                                + " ln -s %1$s /run/his/.lock; ln -s %1$s /run/his/broker.pid")
                        .formatted(secret));
        for (String his : List.of("/tmp/his", "/run/his", "/run/his/missing")) {
            List<String> root = as(0, "RBDW_RUN_DIR=" + his, "RBDW_STATE_DIR=/tmp/roots");
            assertFailure(
                    1, rbdw.run(root, "rbdwrapper-broker", "start"), his, "--run-dir", "EPERM");
        }
        host.run("install -d -m 700 /tmp/roots2");
        List<String> root = as(0, "RBDW_RUN_DIR=/run/roots", "RBDW_STATE_DIR=/tmp/roots2");
        String images = "file:/tmp/his";
        assertFailure(
                1,
                rbdw.run(root, "rbdwrapper-broker", "start", "--store", images),
                "/tmp/his",
                "--store",
                "EPERM");
        assertFailure(
                1,
                rbdw.run(root, "rbdwrapper-broker", "start", "--state-dir", "/tmp/his/state"),
                "/tmp/his",
                "--state-dir",
                "EPERM");
        assertEquals("not to be touched", Files.readString(secret));
        assertEquals("", host.run("ls -d /tmp/his/state /run/his/missing 2>/dev/null || true"));
    }

    private List<String> as(int uid, String... settings) {
        return host.as(uid, settings);
    }

    private Process startImpostor(String how, String folder) throws Exception {
        Process impostor = host.start(as(ATTACKER), host.javaWords("Impostor", how, folder));
        SharedHost.awaitLine(impostor, "ready");
        return impostor;
    }

    private Process startC(int uid) throws IOException {
        return host.start(as(uid), "sh", "-c", C_LOOP, rbdw.cTool().toString());
    }

    private Process startJava(int uid, String program, String... arguments) throws IOException {
        return host.start(as(uid), host.javaWords(program, arguments));
    }

    private Installed.Result readByC(List<String> prefix) throws Exception {
        Process program = host.start(prefix, rbdw.cTool().toString(), "read", IMAGE, "0", "4");
        String out = SharedHost.output(program, false);
        return new Installed.Result(
                program.exitValue(),
                program.exitValue() == 0 ? out : "",
                program.exitValue() == 0 ? "" : out);
    }

    private static String end(Process impostor) throws Exception {
        impostor.getOutputStream().write('\n');
        impostor.getOutputStream().flush();
        return SharedHost.output(impostor);
    }
}
