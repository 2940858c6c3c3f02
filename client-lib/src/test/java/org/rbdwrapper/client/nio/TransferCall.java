package org.rbdwrapper.client.nio;

import java.nio.file.OpenOption;
import java.util.List;

/** A call that reads or writes. */
record TransferCall(
        Operation operation,
        List<OpenOption> options,
        boolean isClosed,
        BufferKind kind,
        int length,
        long position,
        long size) {
    /** Which of RbdFile's. */
    enum Operation {
        READ,
        WRITE,
        READ_ASYNC,
        WRITE_ASYNC;

        boolean isRead() {
            return this == READ || this == READ_ASYNC;
        }

        boolean isAsync() {
            return this == READ_ASYNC || this == WRITE_ASYNC;
        }
    }

    boolean isPastEnd() {
        return length > 0 && position >= size;
    }

    boolean isAcrossEnd() {
        return position >= 0 && position < size && position > size - length;
    }

    /** Whether the sum of position and length is no long. */
    boolean overflows() {
        return position > Long.MAX_VALUE - length;
    }
}
