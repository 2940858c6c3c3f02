package org.rbdwrapper.broker.store.fault;

import org.rbdwrapper.ipc.codec.IoOp;

/** A call of a store that a fault can befall. */
public enum FaultPoint {
    READ,
    WRITE,
    FLUSH,
    DISCARD,
    WRITE_ZEROES,
    CONNECT,
    OPEN,
    CREATE,
    LIST,
    DESCRIBE,
    RESIZE,
    REMOVE;

    static FaultPoint of(IoOp op) {
        return switch (op) {
            case READ -> READ;
            case WRITE -> WRITE;
            case FLUSH -> FLUSH;
            case DISCARD -> DISCARD;
            case WRITE_ZEROES -> WRITE_ZEROES;
            case TRUNCATE, EXTEND, NULL_VAL ->
                    throw new IllegalArgumentException(op + " is not for a store");
        };
    }
}
