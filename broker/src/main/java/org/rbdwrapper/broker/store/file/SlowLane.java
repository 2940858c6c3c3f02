package org.rbdwrapper.broker.store.file;

import org.rbdwrapper.broker.store.IoCompletion;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.codec.IoOp;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.List;

/**
 * A few threads for the requests that take long, first come first served. Its queue is made of
 * request objects that are used again and again: nothing is allocated once as many have been made
 * as are ever waiting.
 *
 * <p>Any thread.
 */
final class SlowLane implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SlowLane.class);

    private final List<Thread> threads = new ArrayList<>();
    private Request free;
    private Request head;
    private Request tail;
    private boolean closed;

    SlowLane(int threadCount) {
        for (int i = 0; i < threadCount; i++) {
            threads.add(Thread.ofPlatform().daemon().name("file-store-" + i).start(this::work));
        }
    }

    void submit(
            OpenFileImage image,
            IoOp op,
            long address,
            long position,
            long length,
            IoCompletion completion) {
        image.onSlowStart();
        boolean refused;
        synchronized (this) {
            refused = closed;
            if (!refused) {
                Request request = free != null ? free : new Request();
                free = request.next;
                request.set(image, op, address, position, length, completion);
                if (head == null) {
                    head = request;
                } else {
                    tail.next = request;
                }
                tail = request;
                notify();
            }
        }
        if (refused) {
            completion.onComplete(-Errno.ESHUTDOWN.number());
            image.onSlowDone();
        }
    }

    /** Does what has been submitted, then ends. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void work() {
        for (Request request = take(); request != null; request = take()) {
            OpenFileImage image = request.image;
            IoCompletion completion = request.completion;
            long result = perform(request);
            recycle(request);
            completion.onComplete(result);
            image.onSlowDone();
        }
    }

    private static long perform(Request request) {
        try {
            return request.image.perform(
                    request.op, request.address, request.position, request.length);
        } catch (RuntimeException | Error e) {
            LOG.error("{} of an image file failed", request.op, e); // a mistake of ours
            return -Errno.EIO.number();
        }
    }

    private synchronized Request take() {
        while (head == null && !closed) {
            try {
                wait();
            } catch (InterruptedException e) {
                LOG.warn("{} was interrupted, which nobody does", Thread.currentThread().getName());
            }
        }
        Request taken = head;
        if (taken != null) {
            head = taken.next;
            taken.next = null;
        }
        return taken;
    }

    private synchronized void recycle(Request request) {
        request.set(null, null, 0, 0, 0, null);
        request.next = free;
        free = request;
    }

    /** One that waits or is being done; a link of the queue or of the free ones. */
    private static final class Request {
        Request next;
        OpenFileImage image;
        IoOp op;
        long address;
        long position;
        long length;
        IoCompletion completion;

        void set(
                OpenFileImage newImage,
                IoOp newOp,
                long newAddress,
                long newPosition,
                long newLength,
                IoCompletion newCompletion) {
            next = null;
            image = newImage;
            op = newOp;
            address = newAddress;
            position = newPosition;
            length = newLength;
            completion = newCompletion;
        }
    }
}
