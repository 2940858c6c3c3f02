package org.rbdwrapper.broker.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.image.OpensOfOneImage.Outcome;
import org.rbdwrapper.broker.store.ImageTuning;
import org.rbdwrapper.broker.store.fault.Fault;
import org.rbdwrapper.broker.store.fault.FaultPlan;
import org.rbdwrapper.broker.store.fault.FaultPoint;
import org.rbdwrapper.broker.store.fault.FaultStore;
import org.rbdwrapper.broker.store.memory.MemoryStore;
import org.rbdwrapper.broker.testing.AnyTuningStore;
import org.rbdwrapper.broker.testing.ThrownOnce;
import org.rbdwrapper.ipc.Errno;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

final class SharedImageTest {
    private static final int MANY = 100_000;
    private static final String PACKAGE = SharedImage.class.getPackageName() + ".";

    @Test
    void shouldServeAnyNumberOfOpensAndClosesThatWaitBehindOne() throws Exception {
        FaultPlan plan = new FaultPlan();
        try (OpensOfOneImage opens = new OpensOfOneImage(new FaultStore(new MemoryStore(), plan))) {
            plan.add(Fault.hold(FaultPoint.OPEN).times(1));
            List<Outcome> outcomes = new ArrayList<>();
            for (int i = 0; i < MANY; i++) {
                outcomes.add(opens.open(0, false, false));
            }
            plan.awaitHeld(1);
            plan.release();
            for (Outcome outcome : outcomes) {
                assertTrue(opens.runUntil(outcome::isThere));
                assertNull(outcome.failure);
            }
            plan.add(Fault.hold(FaultPoint.OPEN).times(1));
            Outcome writer = opens.open(1, true, false);
            plan.awaitHeld(1);
            outcomes.forEach(opens::close);
            plan.release();
            for (Outcome outcome : outcomes) {
                assertTrue(opens.runUntil(() -> outcome.closed));
            }
            opens.close(writer);
            assertTrue(opens.runUntil(() -> writer.closed));
            opens.remove();
        }
    }

    @Test
    void shouldOpenAnotherInstanceForAnotherWayOfOpening() throws Exception {
        ImageTuning impatient = new ImageTuning(false, 5);
        try (OpensOfOneImage opens = new OpensOfOneImage(new AnyTuningStore(new MemoryStore()))) {
            // as of a mapping that was unmapped by force, while the store did not answer
            Outcome left = opens.open(0, true, false);
            Outcome first = opens.open(0, true, false, impatient, () -> true);
            Outcome second = opens.open(1, false, false, impatient, () -> true);
            for (Outcome outcome : List.of(left, first, second)) {
                assertTrue(opens.runUntil(outcome::isThere));
                assertNull(outcome.failure);
            }
            assertNotSame(left.open.image(), first.open.image());
            assertSame(first.open.image(), second.open.image());
            for (Outcome outcome : List.of(left, first, second)) {
                opens.close(outcome);
                assertTrue(opens.runUntil(() -> outcome.closed));
            }
            opens.remove();
        }
    }

    @Test
    void shouldNotOpenForWhoHasGoneWhileItWaited() throws Exception {
        FaultPlan plan = new FaultPlan();
        try (OpensOfOneImage opens = new OpensOfOneImage(new FaultStore(new MemoryStore(), plan))) {
            plan.add(Fault.hold(FaultPoint.OPEN).times(1));
            Outcome first = opens.open(0, false, false);
            plan.awaitHeld(1);
            AtomicBoolean isWanted = new AtomicBoolean(true);
            Outcome gone = opens.open(1, true, false, ImageTuning.NONE, isWanted::get);
            isWanted.set(false);
            plan.add(Fault.fail(FaultPoint.OPEN, Errno.EIO).times(1)); // would show
            plan.release();
            assertTrue(opens.runUntil(gone::isThere));
            assertEquals(Errno.ESHUTDOWN, gone.failure.errno());
            assertNull(first.failure);
            opens.close(first);
            assertTrue(opens.runUntil(() -> first.closed));
        }
    }

    @Test
    void shouldNotKeepTheConductorFromOtherTasksWhileManyWait() throws Exception {
        FaultPlan plan = new FaultPlan();
        try (OpensOfOneImage opens = new OpensOfOneImage(new FaultStore(new MemoryStore(), plan))) {
            plan.add(Fault.hold(FaultPoint.OPEN).times(1));
            List<Outcome> outcomes = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                outcomes.add(opens.open(0, false, false));
            }
            plan.awaitHeld(1);
            plan.release();
            assertTrue(opens.runUntil(outcomes.getFirst()::isThere)); // one task
            assertTrue(outcomes.stream().filter(Outcome::isThere).count() < 3);
            assertTrue(opens.runUntil(outcomes.getLast()::isThere));
        }
    }

    @Test
    void shouldBeUsableWhateverExceptionIsThrownAnywhereInATurn() throws Exception {
        assertUsableAfter(() -> new IllegalStateException("thrown by the test"));
    }

    @Test
    void shouldBeUsableWhateverErrorIsThrownAnywhereInATurn() throws Exception {
        assertUsableAfter(() -> new StackOverflowError("thrown by the test"));
    }

    private static void assertUsableAfter(Supplier<Throwable> thrown) throws Exception {
        ClassLoader loader =
                ThrownOnce.loader(
                        name -> name.startsWith(PACKAGE),
                        SharedImageTest::isPartOfATurn,
                        method -> method.name().equalsString("add")); // to the order
        int call = 0;
        String wrong;
        do {
            ThrownOnce.before(call, thrown);
            Object scenario =
                    loader.loadClass(ThrownInATurn.class.getName())
                            .getDeclaredConstructor()
                            .newInstance();
            wrong = (String) ((Callable<?>) scenario).call();
            if (wrong != null) {
                assertEquals("", wrong, "thrown before call " + call);
            }
            call++;
        } while (wrong != null);
        assertTrue(call > 50, "only " + call + " calls were tried");
    }

    /** What keeps the order itself is not tried, nor is the way to it. */
    private static boolean isPartOfATurn(String name) {
        return name.startsWith(SharedImage.class.getName() + "$")
                || name.equals(SharedImage.class.getName())
                || name.equals(ImageOpen.class.getName())
                || name.equals(Instance.class.getName());
    }
}
