package org.rbdwrapper.broker.store.ceph;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Open images by small numbers, which librbd hands back in its callbacks. None is used again. Any
 * thread.
 */
final class ImageNumbers {
    private static final Map<Integer, CephImage> IMAGES = new ConcurrentHashMap<>();
    private static final AtomicInteger NEXT = new AtomicInteger(1);

    private ImageNumbers() {}

    static int register(CephImage image) {
        int number = NEXT.getAndIncrement();
        IMAGES.put(number, image);
        return number;
    }

    /** Null where it has been closed. */
    static CephImage get(int number) {
        return IMAGES.get(number);
    }

    static void release(int number) {
        IMAGES.remove(number);
    }
}
