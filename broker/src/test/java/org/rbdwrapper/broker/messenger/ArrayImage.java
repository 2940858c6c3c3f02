package org.rbdwrapper.broker.messenger;

import org.agrona.UnsafeApi;
import org.rbdwrapper.broker.store.ImageTimes;
import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.codec.IoOp;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * An image whose requests are done when a test says so, in any order; or at once. Any thread where
 * they are done at once, else one.
 */
class ArrayImage implements StoreImage {
    static final int OBJECT = 128;

    final byte[] bytes;
    private final List<Request> waiting = new ArrayList<>();
    private final boolean isAtOnce;
    private long failure;
    private IoOp failing;
    private long size;

    record Request(IoOp op, long address, long position, long length, IoCompletion completion) {}

    ArrayImage(byte[] bytes, boolean isAtOnce) {
        this.bytes = bytes;
        this.isAtOnce = isAtOnce;
        this.size = bytes.length;
    }

    void resize(long newSize) {
        size = newSize;
    }

    /** Those that wait. */
    List<Request> requests() {
        return waiting;
    }

    /** From now on; 0: none fails. */
    void fail(IoOp op, long errno) {
        failing = op;
        failure = errno;
    }

    int waiting() {
        return waiting.size();
    }

    boolean isWaiting(IoOp op) {
        return waiting.stream().anyMatch(request -> request.op() == op);
    }

    /** Of those that wait, the one that was submitted first. */
    void finishFirst() {
        finish(waiting.removeFirst());
    }

    /** One of those that wait. */
    void finishAny(Random random) {
        finish(waiting.remove(random.nextInt(waiting.size())));
    }

    @Override
    public void submit(IoOp op, long address, long position, long length, IoCompletion completion) {
        Request request = new Request(op, address, position, length, completion);
        if (isAtOnce) {
            finish(request);
        } else {
            waiting.add(request);
        }
    }

    private void finish(Request request) {
        int from = (int) request.position();
        int length = (int) request.length();
        if (failure != 0 && request.op() == failing) {
            request.completion().onComplete(-failure);
            return;
        }
        switch (request.op()) {
            case WRITE -> {
                for (int i = 0; i < length; i++) {
                    bytes[from + i] = UnsafeApi.getByte(request.address() + i);
                }
            }
            case READ, FLUSH -> {
                // nothing of it is looked at
            }
            case WRITE_ZEROES, DISCARD -> Arrays.fill(bytes, from, from + length, (byte) 0);
            default -> throw new IllegalStateException(request.op() + " is not for a store");
        }
        if (request.op() == IoOp.READ) {
            request.completion().onComplete(length);
        } else {
            request.completion().onWhollyDone();
        }
    }

    @Override
    public ImageTimes times() {
        return new ImageTimes(0, 0, 0, 0);
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public int objectSize() {
        return OBJECT;
    }

    @Override
    public String imageId() {
        return "array";
    }

    @Override
    public void close() {
        // nothing is held
    }
}
