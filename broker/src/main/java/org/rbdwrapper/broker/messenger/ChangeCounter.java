package org.rbdwrapper.broker.messenger;

import org.agrona.UnsafeApi;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.SharedMemory;

/**
 * How often an image was changed through this broker: a number in shared memory that clients read,
 * so that they can keep what they have read for as long as it is what a read would give.
 *
 * <pre>
 *   who keeps:   c = counter | read, keep the bytes      ... later: counter == c ? the bytes : read again
 *   who changes: the store has done it | counter + 1 | it is acknowledged
 * </pre>
 *
 * <p>A change that was counted before {@code c} was taken was done before the read. One that was
 * not is seen later, at the latest by who knows that it was acknowledged.
 *
 * <p>One for an image that is open, whatever the number of opens. Clients can neither write nor
 * shrink it. Counted by any thread; the rest is the conductor's.
 *
 * <pre>
 *   0           8                 4096
 *   +-----------+-----------------+
 *   | changes   | 0               |
 *   | u64       |                 |
 *   +-----------+-----------------+
 * </pre>
 */
public final class ChangeCounter {
    private static final String NAME = "rbdwrapper-changes";
    private static final long LENGTH = 4096;

    private volatile long address;
    private int memory = -1;

    /** Any thread: the image was changed, and nobody has heard of it yet. */
    public void count() {
        long counter = address;
        if (counter != 0) {
            UnsafeApi.getAndAddLong(null, counter, 1L);
        }
    }

    /**
     * Conductor: the memory, to be sent to a client; made when it is first asked for.
     *
     * @throws ErrnoException EMFILE, ENOMEM: this process is short of it.
     */
    public int memory() throws ErrnoException {
        if (memory < 0) {
            int made = SharedMemory.createSized(NAME, LENGTH);
            try {
                long mapped = SharedMemory.map(made, LENGTH);
                SharedMemory.sealAgainstWriters(made);
                memory = made;
                address = mapped;
            } catch (ErrnoException e) {
                Fd.close(made);
                throw e;
            }
        }
        return memory;
    }

    /** Conductor, when nobody has the image open any more. */
    public void close() throws ErrnoException {
        if (memory >= 0) {
            long mapped = address;
            address = 0;
            SharedMemory.unmap(mapped, LENGTH);
            Fd.close(memory);
            memory = -1;
        }
    }
}
