package org.rbdwrapper.client.nio;

import org.rbdwrapper.client.RbdBuffer;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;

/** The kinds of buffers that a program may pass to a channel. */
enum BufferKind {
    HEAP {
        @Override
        Made make(Memory memory, int length) {
            return Made.of(ByteBuffer.allocate(length));
        }
    },
    HEAP_SLICE {
        @Override
        Made make(Memory memory, int length) {
            return Made.slice(ByteBuffer.allocate(length + MARGIN), length);
        }
    },
    HEAP_PART {
        @Override
        Made make(Memory memory, int length) {
            return Made.part(ByteBuffer.allocate(length + MARGIN), length);
        }
    },
    HEAP_READ_ONLY {
        @Override
        Made make(Memory memory, int length) {
            return Made.of(ByteBuffer.allocate(length)).readOnly();
        }
    },
    DIRECT {
        @Override
        Made make(Memory memory, int length) {
            return Made.of(memory.direct(length));
        }
    },
    DIRECT_SLICE {
        @Override
        Made make(Memory memory, int length) {
            return Made.slice(memory.direct(length + MARGIN), length);
        }
    },
    DIRECT_PART {
        @Override
        Made make(Memory memory, int length) {
            return Made.part(memory.direct(length + MARGIN), length);
        }
    },
    DIRECT_READ_ONLY {
        @Override
        Made make(Memory memory, int length) {
            return Made.of(memory.direct(length)).readOnly();
        }
    },
    MAPPED {
        @Override
        Made make(Memory memory, int length) {
            return Made.part(memory.mapped(length + MARGIN), length);
        }
    },
    MAPPED_READ_ONLY {
        @Override
        Made make(Memory memory, int length) {
            return Made.part(memory.mapped(length + MARGIN), length).readOnly();
        }
    },
    CONFINED {
        @Override
        Made make(Memory memory, int length) {
            Arena arena = Arena.ofConfined();
            return Made.part(in(arena, length + MARGIN), length).released(arena::close);
        }
    },
    /** Confined to a thread that does not call. */
    OF_OTHER_THREAD {
        @Override
        Made make(Memory memory, int length) {
            CompletableFuture<ByteBuffer> made = new CompletableFuture<>();
            Thread.ofPlatform().start(() -> made.complete(in(Arena.ofConfined(), length + 1)));
            return Made.untouchable(made.join().position(1));
        }
    },
    SHARED {
        @Override
        Made make(Memory memory, int length) {
            Arena arena = Arena.ofShared();
            return Made.part(in(arena, length + MARGIN), length).released(arena::close);
        }
    },
    AUTO {
        @Override
        Made make(Memory memory, int length) {
            return Made.part(in(Arena.ofAuto(), length + MARGIN), length);
        }
    },
    HEAP_SEGMENT {
        @Override
        Made make(Memory memory, int length) {
            ByteBuffer whole = MemorySegment.ofArray(new byte[length + MARGIN]).asByteBuffer();
            return Made.part(whole, length);
        }
    },
    OF_CLOSED_CONFINED {
        @Override
        Made make(Memory memory, int length) {
            try (Arena arena = Arena.ofConfined()) {
                return Made.untouchable(in(arena, length + 1).position(1));
            }
        }
    },
    OF_CLOSED_SHARED {
        @Override
        Made make(Memory memory, int length) {
            try (Arena arena = Arena.ofShared()) {
                return Made.untouchable(in(arena, length + 1).position(1));
            }
        }
    },
    OF_CLOSED_SHARED_READ_ONLY {
        @Override
        Made make(Memory memory, int length) {
            try (Arena arena = Arena.ofShared()) {
                return Made.untouchable(in(arena, length).asReadOnlyBuffer());
            }
        }
    },
    OF_THE_IMAGE {
        @Override
        Made make(Memory memory, int length) throws IOException {
            RbdBuffer buffer = memory.ofImage(length + MARGIN);
            return Made.part(buffer.bytes(), length).released(buffer::close);
        }
    },
    OF_THE_IMAGE_CLOSED {
        @Override
        Made make(Memory memory, int length) throws IOException {
            try (RbdBuffer buffer = memory.ofImage(length + 1)) {
                return Made.untouchable(buffer.bytes().position(1));
            }
        }
    },
    NULL {
        @Override
        Made make(Memory memory, int length) {
            return Made.untouchable(null);
        }
    };

    private static final int MARGIN = 23;

    /** Where the memory of some kinds comes from. */
    interface Memory {
        /** Zeroes or not; the same again at the next call. */
        ByteBuffer direct(int length);

        /** Likewise, of a mapped file. */
        ByteBuffer mapped(int length);

        /** That the store takes as it is. */
        RbdBuffer ofImage(int length) throws IOException;
    }

    /**
     * A buffer with {@code length} bytes left.
     *
     * @param whole with the bytes around those, too; null where the caller must not touch them.
     */
    record Made(ByteBuffer buffer, ByteBuffer whole, Runnable release) implements AutoCloseable {
        static Made of(ByteBuffer whole) {
            return new Made(whole, whole.duplicate(), () -> {});
        }

        static Made slice(ByteBuffer whole, int length) {
            return new Made(whole.slice(7, length), whole.duplicate(), () -> {});
        }

        static Made part(ByteBuffer whole, int length) {
            return new Made(
                    whole.duplicate().position(5).limit(5 + length), whole.duplicate(), () -> {});
        }

        static Made untouchable(ByteBuffer buffer) {
            return new Made(buffer, null, () -> {});
        }

        Made readOnly() {
            return new Made(buffer.asReadOnlyBuffer(), whole, release);
        }

        Made released(Runnable newRelease) {
            return new Made(buffer, whole, newRelease);
        }

        @Override
        public void close() {
            release.run();
        }
    }

    abstract Made make(Memory memory, int length) throws IOException;

    /** Whether no operation can transfer bytes with it, from the caller's thread. */
    boolean isUnusable() {
        return this == OF_OTHER_THREAD
                || this == OF_CLOSED_CONFINED
                || this == OF_CLOSED_SHARED
                || this == OF_CLOSED_SHARED_READ_ONLY
                || this == OF_THE_IMAGE_CLOSED;
    }

    private static ByteBuffer in(Arena arena, int length) {
        return arena.allocate(length).asByteBuffer();
    }
}
