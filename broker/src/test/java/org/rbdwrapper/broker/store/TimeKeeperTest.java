package org.rbdwrapper.broker.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.ipc.posix.FileTimes;

import java.util.concurrent.atomic.AtomicLong;

final class TimeKeeperTest {
    private static final long YESTERDAY = FileTimes.now() - 90_000_000_000_000L;
    private static final int CHANGES = 200_000;

    private final TimeKeeper keeper = new TimeKeeper(all(YESTERDAY));

    @Test
    void shouldStampChangesBetweenTheirBeginAndTheirAnswer() {
        long before = FileTimes.now();
        keeper.onChanged();
        long after = FileTimes.now();
        ImageTimes times = keeper.times();
        assertTrue(times.modified() >= before && times.modified() <= after, times.toString());
        assertEquals(times.modified(), times.changed());
        assertEquals(YESTERDAY, times.accessed());
        assertEquals(YESTERDAY, times.created());
    }

    @Test
    void shouldTellEveryChangeFromWhatWasToldBefore() throws Exception {
        AtomicLong done = new AtomicLong();
        AtomicLong answered = new AtomicLong();
        Runnable change =
                () -> {
                    for (int i = 0; i < CHANGES; i++) {
                        done.incrementAndGet();
                        keeper.onChanged();
                        answered.incrementAndGet();
                    }
                };
        Thread writer = Thread.ofPlatform().start(change);
        try {
            long told = keeper.times().modified();
            long seen = done.get(); // of the contents that go with it
            while (writer.isAlive()) {
                boolean isChanged = answered.get() > seen;
                long now = keeper.times().modified();
                assertTrue(now > told || !isChanged, "a change that is not told");
                told = now;
                seen = done.get();
            }
        } finally {
            writer.join();
        }
    }

    @Test
    void shouldKeepWhatIsSetUntilTheNextChange() {
        keeper.onChanged();
        long changed = keeper.times().changed();
        keeper.set(1, 2);
        ImageTimes set = keeper.times();
        assertEquals(1, set.accessed());
        assertEquals(2, set.modified());
        assertTrue(set.changed() > changed);
        keeper.set(FileTimes.OMIT, FileTimes.OMIT);
        assertEquals(2, keeper.times().modified());
        keeper.onChanged();
        assertTrue(keeper.times().modified() > set.changed());
        keeper.set(FileTimes.NOW, FileTimes.NOW);
        ImageTimes now = keeper.times();
        assertEquals(now.changed(), now.modified());
        assertEquals(now.changed(), now.accessed());
    }

    @Test
    void shouldNotGoBackWhereTheClockIsBehind() {
        long future = FileTimes.now() + 3_600_000_000_000L;
        TimeKeeper ahead = new TimeKeeper(all(future));
        ahead.onChanged();
        long first = ahead.times().changed();
        assertTrue(first > future);
        ahead.onChanged();
        assertTrue(ahead.times().changed() > first);
    }

    @Test
    void shouldNoteFirstReadAfterAChangeOnly() throws Exception {
        keeper.set(1, FileTimes.NOW);
        keeper.onRead();
        long read = keeper.times().accessed();
        assertTrue(read > YESTERDAY);
        awaitTick(keeper.times().changed());
        keeper.onRead();
        awaitTick(FileTimes.now());
        long readAfterChange = keeper.times().accessed();
        keeper.onRead();
        assertEquals(readAfterChange, keeper.times().accessed());
        keeper.onChanged();
        awaitTick(FileTimes.now());
        keeper.onRead();
        assertTrue(keeper.times().accessed() > readAfterChange);
    }

    private static void awaitTick(long last) throws InterruptedException {
        while (FileTimes.now() <= last) {
            Thread.sleep(1);
        }
    }

    private static ImageTimes all(long time) {
        return new ImageTimes(time, time, time, time);
    }
}
