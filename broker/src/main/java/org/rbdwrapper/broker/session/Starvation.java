package org.rbdwrapper.broker.session;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Whether a process does nothing because its host does not let it: its threads wait for a CPU, or
 * for a disk that has their memory. One that is stopped, or sleeps, does not wait for either.
 *
 * <p>Looks at each thread of a process, so once a second is enough. Conductor's thread.
 */
final class Starvation {
    /** Between two looks at a process. */
    static final long EVERY_NANOS = 1_000_000_000L;

    /** Of the time that has passed: threads wait for a CPU that much in all. */
    private static final int PART = 10;

    private final Map<Integer, Look> looks = new HashMap<>();

    /**
     * @param waitedNanos of its threads for a CPU, since each began.
     */
    private record Look(long at, long waitedNanos, boolean isHeldUp) {}

    /**
     * Whether it was held up in the last second, as far as can be told; true until it has been
     * looked at for so long.
     */
    boolean isHeldUp(int pid, long now) {
        Look last = looks.get(pid);
        if (last != null && now - last.at < EVERY_NANOS) {
            return last.isHeldUp;
        }
        boolean heldUp = true;
        long waited = 0;
        boolean anyWaitsForDisk = false;
        try (DirectoryStream<Path> threads =
                Files.newDirectoryStream(Path.of("/proc", Integer.toString(pid), "task"))) {
            for (Path thread : threads) {
                waited += waitedNanos(thread);
                anyWaitsForDisk |= waitsForDisk(thread);
            }
            if (last != null) {
                heldUp = anyWaitsForDisk || waited - last.waitedNanos > (now - last.at) / PART;
            }
        } catch (IOException | DirectoryIteratorException e) {
            heldUp = false; // it has ended, or is not to be seen from here
        }
        looks.put(pid, new Look(now, waited, heldUp));
        return heldUp;
    }

    /** Of /proc/PID/task/TID/schedstat (sched-stats of the kernel's documentation). */
    private static long waitedNanos(Path thread) {
        String text = read(thread.resolve("schedstat"));
        return text.isEmpty() ? 0 : Long.parseLong(text.split(" ", -1)[1]);
    }

    /** Of /proc/PID/task/TID/stat (proc(5)): the letter after the name. */
    private static boolean waitsForDisk(Path thread) {
        String text = read(thread.resolve("stat"));
        int state = text.lastIndexOf(')') + 2;
        return state < text.length() && text.charAt(state) == 'D';
    }

    /** Empty where there is none: the thread has ended, or the kernel does not count. */
    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1).strip();
        } catch (IOException e) {
            return "";
        }
    }
}
