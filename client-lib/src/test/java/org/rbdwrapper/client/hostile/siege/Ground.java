package org.rbdwrapper.client.hostile.siege;

import org.rbdwrapper.ipc.ErrnoException;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Where an attack takes place: the broker, and images that it finds there.
 *
 * <p>Any thread.
 *
 * @param own its own image, {@link #OWN_SIZE} bytes.
 * @param common one that everybody may read.
 * @param sick some whose pool does not answer at times; everybody may write them.
 * @param slow its own in a pool that takes its time, {@link #OWN_SIZE} bytes.
 * @param huge its own in that pool, {@link #HUGE_SIZE} bytes.
 */
record Ground(
        Path runDir,
        String own,
        String common,
        List<String> sick,
        String slow,
        String huge,
        AtomicLong done,
        AtomicLong refused,
        AtomicBoolean inPlace) {
    static final long OWN_SIZE = 256L << 20;
    static final long HUGE_SIZE = 4L << 40;

    /** More than a broker would have workers. */
    static final int SICK_IMAGES = 32;

    /** A part of an attack that is done again and again, until the process ends. */
    @FunctionalInterface
    interface Step {
        void run() throws Exception;
    }

    static Ground of(Path runDir) {
        return new Ground(
                runDir,
                "/rbdw/foe",
                "/rbdw/common",
                sickPaths(),
                "/rbdw/slow",
                "/rbdw/huge",
                new AtomicLong(),
                new AtomicLong(),
                new AtomicBoolean());
    }

    private static List<String> sickPaths() {
        List<String> paths = new ArrayList<>();
        for (int i = 0; i < SICK_IMAGES; i++) {
            paths.add("/rbdw/sick-" + i);
        }
        return paths;
    }

    /** With nothing but an image of its own. */
    static Ground withOwnImage(Path runDir, String own) {
        return new Ground(
                runDir,
                own,
                own,
                List.of(own),
                own,
                own,
                new AtomicLong(),
                new AtomicLong(),
                new AtomicBoolean());
    }

    /** On so many threads, for ever; who is refused, or hung up on, begins again after a moment. */
    void again(int threads, Step step) {
        Thread[] all = new Thread[threads];
        for (int i = 0; i < threads; i++) {
            all[i] = Thread.ofPlatform().start(() -> again(step));
        }
        for (Thread thread : all) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void again(Step step) {
        while (true) {
            try {
                step.run();
                done.incrementAndGet();
            } catch (ErrnoException e) {
                refused.incrementAndGet();
                pause(1);
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
            inPlace.set(true);
        }
    }

    static void pause(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
