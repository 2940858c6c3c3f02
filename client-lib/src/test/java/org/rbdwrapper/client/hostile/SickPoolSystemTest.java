package org.rbdwrapper.client.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.rbdwrapper.broker.BrokerOptions;
import org.rbdwrapper.broker.messenger.MessengerPolicy;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.StatusOf;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.client.nativelib.NativeProgram;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A pool that does not answer is the trouble of those alone who use it. */
@Timeout(120)
final class SickPoolSystemTest {
    private static final int IMAGES = 40;
    private static final int SIZE = 1 << 20;
    private static final String STATED = SIZE + "\n";

    private final GatedPoolStore store = new GatedPoolStore("sick");
    private final List<Thread> waiting = new ArrayList<>();
    private final List<Process> programs = new ArrayList<>();
    private TestBroker broker;
    private BrokerAdmin admin;
    private boolean isShut;

    @BeforeEach
    void mapImagesOfBothPools() throws Exception {
        broker =
                TestBroker.start(
                        "memory",
                        MessengerPolicy.PER_CLIENT,
                        store,
                        BrokerOptions.DEFAULT_HELLO_TIMEOUT_NANOS);
        admin = admin();
        for (int i = 0; i < IMAGES; i++) {
            createAndMap("sick/s" + i, "s" + i);
        }
        createAndMap("rbd/well", "well");
    }

    @AfterEach
    void stop() throws Exception {
        openGate();
        for (Thread thread : waiting) {
            thread.join();
        }
        for (Process program : programs) {
            program.destroyForcibly().waitFor();
        }
        admin.close();
        if (broker != null) {
            broker.close();
        }
    }

    @Test
    void shouldServeOtherPoolsWhileAllThatIsWantedOfOneHangs() throws Exception {
        Process holder = holdOpen("/rbdw/s0");
        shutGate();
        for (int i = 1; i < IMAGES; i++) {
            programs.add(cat("/rbdw/s" + i));
            programs.add(program("stat", "/rbdw/s" + i).start());
        }
        holder.getOutputStream().close(); // so that it closes its image
        while (store.waiting() < 8) {
            Thread.sleep(10); // the test's time limit ends a wait in vain
        }
        for (int i = 0; i < 5; i++) {
            assertUsable("/rbdw/well");
            assertEquals(STATED, stat("/rbdw/well"));
            admin.create("rbd/more", SIZE);
            String more = admin.map(MapRequest.of("rbd/more"));
            assertUsable(more);
            admin.unmap(more, false);
            admin.remove("rbd/more", (done, total) -> {});
        }
        openGate();
        for (Process program : programs) {
            assertEquals(0, program.waitFor(), "what waited is served");
        }
        assertUsable("/rbdw/s1");
    }

    @Test
    void shouldTellWhatItKnowsOfAnImageWhoseStoreDoesNotAnswer() throws Exception {
        shutGate();
        for (int round = 0; round < 3; round++) {
            assertEquals(STATED, stat("/rbdw/s0"));
        }
        assertTrue(store.waiting() <= 1, "the store is asked once, not by each who asks");
    }

    @Test
    void shouldTellTheSizeOfAnOpenImageWithoutTheStore() throws Exception {
        try (RbdFile file = open("/rbdw/s0")) {
            shutGate();
            assertEquals(STATED, stat("/rbdw/s0"));
            assertEquals(0, store.waiting());
            openGate();
            file.size();
        }
    }

    @Test
    void shouldNotCallAStoreForWhoHasGone() throws Exception {
        shutGate();
        for (int i = 0; i < IMAGES; i++) {
            programs.add(cat("/rbdw/s" + i));
        }
        int most = 12; // of one user, at a time
        while (store.waiting() < most) {
            Thread.sleep(10);
        }
        assertEquals(most, poolCalls());
        for (Process program : programs) {
            program.destroyForcibly().waitFor();
        }
        while (admin.clients().size() > 1) {
            Thread.sleep(10);
        }
        assertEquals(most, store.waiting());
        openGate();
        assertUsable("/rbdw/s" + (IMAGES - 1));
        while (store.waiting() > 0) {
            Thread.sleep(10);
        }
    }

    @Test
    void shouldEndThoughAPoolDoesNotAnswer() throws Exception {
        Process holder = holdOpen("/rbdw/s0");
        shutGate();
        programs.add(cat("/rbdw/s1"));
        holder.getOutputStream().close();
        while (store.waiting() < 2) {
            Thread.sleep(10);
        }
        CountDownLatch stopped = new CountDownLatch(1);
        TestBroker stopping = broker;
        broker = null;
        Thread.ofPlatform()
                .start(
                        () -> {
                            try {
                                stopping.close();
                                stopped.countDown();
                            } catch (IOException e) {
                                throw new IllegalStateException(e);
                            }
                        });
        assertTrue(stopped.await(60, TimeUnit.SECONDS));
        assertFalse(store.waiting() == 0, "it ended without them");
    }

    @Test
    void shouldRefuseAnotherWayOfOpeningAnImageThatIsBeingMapped() throws Exception {
        admin.create("sick/two", SIZE);
        shutGate();
        CountDownLatch failed = new CountDownLatch(2);
        for (String name : List.of("a", "b")) {
            inBackground(
                    () -> {
                        try (BrokerAdmin other = admin()) {
                            other.map(
                                    request(
                                            "sick/two",
                                            name,
                                            name.equals("a") ? "cache=writeback" : ""));
                        } catch (ErrnoException e) {
                            failed.countDown();
                        }
                    });
        }
        while (store.waiting() < 2) {
            Thread.sleep(10);
        }
        openGate();
        for (Thread thread : waiting) {
            thread.join();
        }
        assertEquals(1, failed.getCount(), "one of them is mapped, and one is not");
        assertThrows(ErrnoException.class, () -> admin.remove("sick/two", (done, total) -> {}));
    }

    private void shutGate() {
        store.shut();
        isShut = true;
    }

    private void openGate() {
        if (isShut) {
            isShut = false;
            store.open();
        }
    }

    private void createAndMap(String spec, String name) throws ErrnoException {
        admin.create(spec, SIZE);
        admin.map(request(spec, name, ""));
    }

    private static MapRequest request(String spec, String name, String options) {
        return new MapRequest(
                spec, name, false, OptionalLong.empty(), OptionalLong.empty(), 0600, options);
    }

    private BrokerAdmin admin() throws ErrnoException {
        return BrokerAdmin.connect("test", ControlConnection.connect(List.of(broker.runDir())));
    }

    /** As {@code status} shows them. */
    private int poolCalls() throws Exception {
        return StatusOf.broker(broker)
                .getAsJsonObject("limits")
                .getAsJsonObject("pool_calls")
                .get("used")
                .getAsInt();
    }

    private RbdFile open(String path) throws IOException {
        return RbdFile.openAt(broker.runDir(), path);
    }

    private void assertUsable(String path) throws IOException {
        try (RbdFile file = open(path)) {
            ByteBuffer block = ByteBuffer.allocate(4096);
            assertEquals(4096, file.write(block, 0));
            assertEquals(4096, file.read(block.clear(), 0));
        }
    }

    private String stat(String path) throws Exception {
        Process program = program("stat", "-c", "%s", path).start();
        String output = new String(program.getInputStream().readAllBytes(), US_ASCII);
        program.waitFor();
        return output;
    }

    private Process cat(String path) throws IOException {
        return program("cat", path).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    }

    /** Until its input ends. */
    private Process holdOpen(String path) throws IOException {
        ProcessBuilder shell =
                program("bash", "-c", "exec 3<" + path + " && echo open; read -r line; true");
        Process program = shell.start();
        programs.add(program);
        assertEquals('o', program.getInputStream().read(), "it cannot be opened");
        return program;
    }

    private ProcessBuilder program(String... command) {
        ProcessBuilder program = new ProcessBuilder(command);
        Path library = NativeProgram.FOLDER.resolve("librbdwrapper.so");
        program.environment().put("LD_PRELOAD", library.toString());
        program.environment().put("RBDW_RUN_DIR", broker.runDir().toString());
        return program.redirectErrorStream(true);
    }

    private interface Action {
        void run() throws Exception;
    }

    private void inBackground(Action action) {
        waiting.add(
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    try {
                                        action.run();
                                    } catch (Exception e) {
                                        System.err.println("in the background: " + e);
                                    }
                                }));
    }
}
