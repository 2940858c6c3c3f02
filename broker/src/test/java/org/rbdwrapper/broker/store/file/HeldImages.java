package org.rbdwrapper.broker.store.file;

import static org.junit.jupiter.api.Assertions.assertFalse;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.broker.store.AwaitedCompletion;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.codec.IoOp;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Images of a file store whose calls on their files are the test's to hold. */
abstract class HeldImages {
    static final int MIB = 1024 * 1024;

    /** More than is done on the caller's thread. */
    static final int LARGE = 256 * 1024;

    static final long SIZE = 1024L * MIB;

    @TempDir Path temp;
    final HeldCalls calls = new HeldCalls();
    FileStore store;
    StoreConnection connection;
    private final List<StoreImage> images = new ArrayList<>();
    private final Arena arena = Arena.ofShared();
    final MemorySegment memory = arena.allocate(8 * MIB);

    @BeforeEach
    void openStore() throws ErrnoException {
        store = FileStore.open(temp.resolve("images"), calls);
        connection = store.connect("test");
    }

    @AfterEach
    void closeStore() throws ErrnoException {
        calls.releaseAll(); // also of a test that has failed
        for (StoreImage image : images) {
            image.close();
        }
        store.close();
        arena.close();
    }

    StoreImage image(String name) throws ErrnoException {
        connection.create(ImageSpec.parse(name), SIZE);
        return reopened(name);
    }

    StoreImage reopened(String name) throws ErrnoException {
        StoreImage image = connection.open(ImageSpec.parse(name), false);
        images.add(image);
        return image;
    }

    AwaitedCompletion submit(StoreImage image, IoOp op, long position, long length) {
        AwaitedCompletion completion = AwaitedCompletion.create(length);
        image.submit(op, memory.address(), position, length, completion);
        return completion;
    }

    AwaitedCompletion flush(StoreImage image) {
        return submit(image, IoOp.FLUSH, 0, 0);
    }

    List<AwaitedCompletion> submit(int count, StoreImage image, IoOp op, long length) {
        List<AwaitedCompletion> completions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            completions.add(submit(image, op, op == IoOp.FLUSH ? 0 : i * length, length));
        }
        return completions;
    }

    static void assertNoneDone(List<AwaitedCompletion> completions) {
        completions.forEach(completion -> assertFalse(completion.isDone()));
    }
}
