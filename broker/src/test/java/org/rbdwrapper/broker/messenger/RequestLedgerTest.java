package org.rbdwrapper.broker.messenger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.concurrent.AtomicBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

import java.util.Set;
import java.util.stream.LongStream;

/** What the next broker learns of changes that were in this one's cache alone. */
final class RequestLedgerTest {
    private static final int HANDLES_WITH_A_PLACE = 31;

    private final AtomicBuffer page = new UnsafeBuffer(new byte[RequestLedger.PAGE_LENGTH]);
    private final RequestLedger ledger = RequestLedger.in(page);

    @Test
    void shouldKnowThroughWhichMappingsChangesWereNotFlushed() {
        OpenHandle lost = open(1, 100, true);
        OpenHandle flushed = open(2, 101, true);
        OpenHandle uncached = open(3, 102, false);
        assertEquals(UnflushedMappings.NONE, RequestLedger.unflushed(page));
        lost.onRequestStart(true);
        flushed.onRequestStart(true);
        uncached.onRequestStart(true);
        flushed.onFlushed(flushed.changesToFlush());
        assertEquals(Set.of(100L), RequestLedger.unflushed(page).known());
        ledger.closed(lost.handle());
        assertEquals(Set.of(100L), RequestLedger.unflushed(page).known(), "closed, not flushed");
        lost.onImageClosed();
        assertEquals(UnflushedMappings.NONE, RequestLedger.unflushed(page));
    }

    @Test
    void shouldNotCountReadsAsChanges() {
        open(1, 100, true).onRequestStart(false);
        assertEquals(UnflushedMappings.NONE, RequestLedger.unflushed(page));
    }

    /** A bit for each mapping has to do. */
    @Test
    void shouldTakeChangesForUnflushedOfCachedHandlesWithoutAPlace() {
        open(HANDLES_WITH_A_PLACE, 100, false);
        assertEquals(UnflushedMappings.NONE, RequestLedger.unflushed(page));
        open(HANDLES_WITH_A_PLACE + 1, 101, true);
        UnflushedMappings unflushed = RequestLedger.unflushed(page);
        assertTrue(unflushed.mayContain(101));
        long taken = LongStream.range(1000, 2000).filter(unflushed::mayContain).count();
        assertTrue(taken < 100, taken + " of 1000 others are taken for it");
    }

    @Test
    void shouldAddUpWhatSeveralSessionsLeft() {
        UnflushedMappings both =
                new UnflushedMappings(Set.of(1L), UnflushedMappings.bitOf(2), false)
                        .and(new UnflushedMappings(Set.of(3L), 0, true));
        assertTrue(both.mayContain(1) && both.mayContain(2) && both.mayContain(3));
        assertTrue(both.isUnknown());
        assertFalse(UnflushedMappings.UNKNOWN.mayContain(1), "what it is, the image says");
    }

    private OpenHandle open(int index, long mapping, boolean isCached) {
        int handle = SessionChannels.handleNumber(index, 7);
        OpenHandle opened =
                new OpenHandle(
                        handle,
                        true,
                        true,
                        isCached,
                        null,
                        null,
                        null,
                        null,
                        ledger.countersOf(handle));
        ledger.opened(handle, mapping, isCached);
        return opened;
    }
}
