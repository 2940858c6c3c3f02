package org.rbdwrapper.broker.store.ceph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.rbdwrapper.broker.store.AwaitedCompletion;
import org.rbdwrapper.broker.store.ImageIo;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.codec.IoOp;

import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeoutException;

/**
 * Random requests on a part of an image, held against an array. The part is cut into slots, each
 * with at most one request in flight, so that no two overlap. {@link #run} is called once, by one
 * thread.
 */
final class ImageModel {
    private final StoreImage image;
    private final long base;
    private final byte[] model;
    private final Random random;
    private final Slot[] slots;

    ImageModel(StoreImage image, long base, int length, int depth, long seed) {
        this.image = image;
        this.base = base;
        this.model = new byte[length];
        this.random = new Random(seed);
        this.slots = new Slot[depth];
    }

    /** Returns what the part must hold then. */
    byte[] run(int requests) throws InterruptedException, TimeoutException {
        int size = model.length / slots.length;
        for (int i = 0; i < slots.length; i++) {
            slots[i] = new Slot(i * size, size); // here: their memory belongs to this thread
        }
        for (int i = 0; i < requests; i++) {
            Slot slot = slots[i % slots.length];
            slot.finish();
            slot.start();
        }
        for (Slot slot : slots) {
            slot.finish();
            slot.io.close();
        }
        return model;
    }

    private final class Slot {
        private final int start;
        private final int size;
        private final ImageIo io;
        private AwaitedCompletion request;
        private IoOp op;
        private int from;
        private int length;

        Slot(int start, int size) {
            this.start = start;
            this.size = size;
            this.io = new ImageIo(image, size);
        }

        void start() {
            IoOp[] choices = {
                IoOp.READ,
                IoOp.READ,
                IoOp.WRITE,
                IoOp.WRITE,
                IoOp.WRITE,
                IoOp.WRITE_ZEROES,
                IoOp.DISCARD,
                IoOp.FLUSH
            };
            op = choices[random.nextInt(choices.length)];
            length = 1 + random.nextInt(random.nextBoolean() ? 4096 : size);
            from = start + random.nextInt(size - length + 1);
            if (op == IoOp.WRITE) {
                byte[] bytes = new byte[length];
                random.nextBytes(bytes);
                System.arraycopy(bytes, 0, model, from, length);
                request = io.submitWrite(base + from, bytes);
                return;
            }
            if (op == IoOp.WRITE_ZEROES) {
                Arrays.fill(model, from, from + length, (byte) 0);
            }
            request = io.submit(op, base + from, op == IoOp.FLUSH ? 0 : length);
        }

        void finish() throws InterruptedException, TimeoutException {
            if (op == null) {
                return;
            }
            assertEquals(op == IoOp.FLUSH ? 0 : length, request.await(), op.name());
            if (op == IoOp.READ) {
                assertArrayEquals(Arrays.copyOfRange(model, from, from + length), io.data(length));
            } else if (op == IoOp.DISCARD) {
                learnDiscarded();
            }
            op = null;
        }

        /** Each byte is what it was or zero: a store need not drop less than it keeps together. */
        private void learnDiscarded() throws InterruptedException, TimeoutException {
            byte[] now = io.read(base + from, length);
            for (int i = 0; i < length; i++) {
                assertTrue(now[i] == 0 || now[i] == model[from + i], "discard made up a byte");
                model[from + i] = now[i];
            }
        }
    }
}
