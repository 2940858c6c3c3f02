package org.rbdwrapper.broker;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.ipc.posix.ThreadPriority;

import java.util.concurrent.FutureTask;

final class BackgroundThreadTest {
    @Test
    void shouldBeNicerThanWhoStartsIt() throws Exception {
        int own = ThreadPriority.nice();
        FutureTask<Integer> nice = new FutureTask<>(ThreadPriority::nice);
        Thread.ofPlatform().start(BackgroundThread.of(nice));
        assertEquals(Math.min(19, own + BackgroundThread.STEPS), nice.get());
        assertEquals(own, ThreadPriority.nice(), "of who starts it, nothing changes");
    }

    @Test
    void shouldBeNicestWhereItCannotBeNicer() throws Exception {
        FutureTask<Integer> nice = new FutureTask<>(ThreadPriority::nice);
        Runnable task = nice;
        for (int i = 0; i < 40 / BackgroundThread.STEPS; i++) {
            task = BackgroundThread.of(task);
        }
        Thread.ofPlatform().start(task);
        assertEquals(19, nice.get());
    }
}
