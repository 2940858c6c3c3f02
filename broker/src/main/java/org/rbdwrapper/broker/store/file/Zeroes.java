package org.rbdwrapper.broker.store.file;

import java.lang.foreign.Arena;

/** Zeroes to write where a file system has no better way. */
final class Zeroes {
    /** Bytes. */
    static final long LENGTH = 256 * 1024;

    static final long ADDRESS = Arena.global().allocate(LENGTH).address();

    private Zeroes() {}
}
