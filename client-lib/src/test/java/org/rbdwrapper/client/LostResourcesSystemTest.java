package org.rbdwrapper.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.store.fault.Fault;
import org.rbdwrapper.broker.store.fault.FaultPlan;
import org.rbdwrapper.broker.store.fault.FaultPoint;
import org.rbdwrapper.broker.testing.JavaProcess;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.IoErrors;
import org.rbdwrapper.ipc.control.ControlConnection;

import java.io.IOException;
import java.lang.ref.Reference;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Files and buffers that a program has lost, and what the library keeps of the program's. */
final class LostResourcesSystemTest {
    private static final int LIMIT_SECONDS = 60;
    private static final int MIB = 1024 * 1024;
    private static final int ALL = 16 * MIB;
    private static final int SOME_COLLECTIONS = 5;
    private static final InheritableThreadLocal<Object> INHERITABLE =
            new InheritableThreadLocal<>();

    private final FaultPlan plan = new FaultPlan();
    private TestBroker broker;
    private BrokerAdmin admin;
    private String path;

    @BeforeEach
    void start() throws Exception {
        broker = TestBroker.startFaulty(plan);
        admin = BrokerAdmin.connect("test", ControlConnection.connect(List.of(broker.runDir())));
        admin.create("img", 32L * MIB);
        path = admin.map(MapRequest.of("img"));
    }

    @AfterEach
    void stop() throws Exception {
        plan.clear();
        admin.close();
        broker.close();
    }

    /** Until it holds; each collection may find what the one before made free. */
    @FunctionalInterface
    private interface Condition {
        boolean holds() throws Exception;
    }

    private static void collectUntil(Condition condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!condition.holds()) {
            assertTrue(System.nanoTime() < deadline, "not given back by the collector");
            System.gc();
            Thread.sleep(20);
        }
    }

    private boolean isUnmapped() throws ErrnoException {
        try {
            admin.unmap(path, false);
            return true;
        } catch (ErrnoException e) {
            assertEquals(Errno.EBUSY, e.errno());
            return false;
        }
    }

    @Test
    void shouldCloseFilesThatWereLost() throws Exception {
        List<RbdFile> files = useFiles(50);
        assertFalse(isUnmapped());
        files.clear();
        collectUntil(this::isUnmapped);
    }

    private List<RbdFile> useFiles(int count) throws Exception {
        List<RbdFile> files = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            RbdFile file = RbdFile.openAt(broker.runDir(), path);
            file.write(ByteBuffer.allocate(1), i);
            file.readAsync(ByteBuffer.allocate(1), i).get(LIMIT_SECONDS, TimeUnit.SECONDS);
            files.add(file);
        }
        return files;
    }

    @Test
    void shouldDoWhatIsUnderWayInAFileThatWasLost() throws Exception {
        plan.add(Fault.hold(FaultPoint.WRITE));
        CompletableFuture<Integer> written = beginWriteInLostFile();
        plan.awaitHeld(1);
        for (int i = 0; i < SOME_COLLECTIONS; i++) {
            System.gc();
            Thread.sleep(20);
        }
        assertFalse(isUnmapped());
        plan.clear();
        assertEquals(512, written.get(LIMIT_SECONDS, TimeUnit.SECONDS));
        try {
            collectUntil(this::isUnmapped);
        } finally {
            Reference.reachabilityFence(written); // which does not keep the file
        }
    }

    private CompletableFuture<Integer> beginWriteInLostFile() throws IOException {
        return RbdFile.openAt(broker.runDir(), path).writeAsync(ByteBuffer.allocate(512), 0);
    }

    @Test
    void shouldGiveBackBuffersThatWereLost() throws Exception {
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            List<RbdBuffer> buffers = useBuffers(file);
            assertFalse(isAllFree(file));
            buffers.clear();
            collectUntil(() -> isAllFree(file));
        }
    }

    private static List<RbdBuffer> useBuffers(RbdFile file) throws IOException {
        List<RbdBuffer> buffers = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            RbdBuffer buffer = file.allocate(MIB / 2);
            file.write(buffer.bytes().duplicate(), 0);
            buffers.add(buffer);
        }
        return buffers;
    }

    private static boolean isAllFree(RbdFile file) throws IOException {
        try {
            file.allocate(ALL).close();
            return true;
        } catch (IOException e) {
            assertEquals(Errno.ENOMEM, IoErrors.errno(e));
            return false;
        }
    }

    @Test
    void shouldKeepMemoryOfWhichASliceIsLeft() throws Exception {
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            List<ByteBuffer> left = new ArrayList<>();
            left.add(file.allocate(MIB).bytes().slice(100, 512).duplicate());
            for (int i = 0; i < SOME_COLLECTIONS; i++) {
                System.gc();
                Thread.sleep(20);
                assertFalse(isAllFree(file));
                assertEquals(512, file.write(left.getFirst().duplicate(), 0));
            }
            left.clear();
            collectUntil(() -> isAllFree(file));
        }
    }

    @Test
    void shouldNotTouchABufferAgainThatWasClosed() throws Exception {
        try (RbdFile file = RbdFile.openAt(broker.runDir(), path)) {
            file.allocate(ALL).close();
            try (RbdBuffer next = file.allocate(ALL)) { // at the same addresses
                for (int i = 0; i < SOME_COLLECTIONS; i++) {
                    System.gc();
                    Thread.sleep(20);
                }
                assertThrows(IOException.class, () -> file.allocate(1));
                next.bytes().put(0, (byte) 1);
            }
        }
    }

    @Test
    void shouldSayOnceThatSomethingWasLost() throws Exception {
        try (JavaProcess program =
                JavaProcess.start(Map.of(), LosingClient.class, broker.runDir().toString(), path)) {
            String output = program.awaitSuccess(LIMIT_SECONDS);
            assertEquals(
                    1,
                    output.lines().filter(l -> l.contains("was lost without close()")).count(),
                    output);
        }
        collectUntil(this::isUnmapped);
    }

    @Test
    void shouldKeepNothingOfTheThreadThatUsesABrokerFirst() throws Exception {
        List<WeakReference<?>> own = new ArrayList<>();
        Thread first =
                Thread.ofPlatform()
                        .unstarted(
                                () -> {
                                    Object value = new Object();
                                    own.add(new WeakReference<>(value));
                                    INHERITABLE.set(value);
                                    try {
                                        useFiles(1);
                                    } catch (Exception e) {
                                        throw new IllegalStateException(e);
                                    }
                                });
        ClassLoader loader = new ClassLoader(getClass().getClassLoader()) {};
        first.setContextClassLoader(loader);
        first.start();
        first.join();
        assertEquals(1, own.size());
        List<Thread> library =
                Thread.getAllStackTraces().keySet().stream()
                        .filter(t -> t.getName().matches("rbdw-(completer|liveness|lost.*)"))
                        .toList();
        assertTrue(library.size() >= 3, library::toString);
        for (Thread thread : library) {
            assertNull(thread.getContextClassLoader(), thread::toString);
        }
        collectUntil(() -> own.getFirst().get() == null);
        assertNull(INHERITABLE.get());
    }
}
