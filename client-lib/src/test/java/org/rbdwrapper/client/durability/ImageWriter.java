package org.rbdwrapper.client.durability;

import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.MapRequest;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;

/**
 * Makes an image, maps it, writes to it, resizes it under its open handles, unmaps and removes it,
 * and begins again. What it writes at a time does not overlap; another thread flushes meanwhile.
 */
final class ImageWriter {
    private static final int MIN_SIZE = 64 * 1024;
    private static final int MAX_SIZE = 512 * 1024;
    private static final int MAX_AT_A_TIME = 4;

    private final PowerLossLoad load;
    private final Marks marks;
    private final String image;
    private final SplittableRandom random;
    private int size;

    ImageWriter(PowerLossLoad load, Marks marks, String image, SplittableRandom random) {
        this.load = load;
        this.marks = marks;
        this.image = image;
        this.random = random;
    }

    void run() throws Exception {
        while (!load.isEnded()) {
            size = anySize();
            load.administer("create " + image + " " + size, a -> a.create(image, size));
            do {
                load.administer("map " + image, a -> a.map(MapRequest.of(image)));
                useOpen(20 + random.nextInt(60));
                load.administer("unmap " + image, a -> a.unmap(image, false));
            } while (!load.isEnded() && random.nextInt(3) != 0);
            load.administer("remove " + image, a -> a.remove(image, (done, total) -> {}));
        }
    }

    private void useOpen(int steps) throws Exception {
        try (RbdFile one = RbdFile.openAt(load.runDir(), "/rbdw/" + image);
                RbdFile other = RbdFile.openAt(load.runDir(), "/rbdw/" + image)) {
            Thread flusher = load.start(() -> flushNowAndThen(other, steps / 4));
            for (int i = 0; i < steps && !load.isEnded(); i++) {
                step(random.nextBoolean() ? one : other);
            }
            flusher.join();
        }
    }

    private void step(RbdFile file) throws Exception {
        int kind = random.nextInt(20);
        if (kind < 10) {
            writeSome(file);
        } else if (kind < 13) {
            zero(file);
        } else if (kind < 18) {
            flush(file);
        } else {
            int newSize = anySize();
            load.administer(
                    "resize " + image + " " + newSize,
                    admin -> admin.resize(image, newSize, true, (done, total) -> {}));
            size = newSize;
        }
    }

    private void writeSome(RbdFile file) throws IOException {
        int count = 1 + random.nextInt(MAX_AT_A_TIME);
        int share = size / Pattern.UNIT / count * Pattern.UNIT;
        List<Integer> numbers = new ArrayList<>();
        List<CompletableFuture<Integer>> written = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int from = i * share + units(share - Pattern.UNIT);
            int length = Pattern.UNIT + units(Math.min((i + 1) * share - from, lengthLimit()));
            length = Math.min(length, (i + 1) * share - from);
            int number = marks.begin("write " + image + " " + from + " " + length);
            numbers.add(number);
            written.add(file.writeAsync(Pattern.of(number, from, length), from));
        }
        for (int i = 0; i < count; i++) {
            written.get(i).join();
            marks.end(numbers.get(i));
        }
    }

    private void zero(RbdFile file) throws IOException {
        int from = units(size - Pattern.UNIT);
        int length = Pattern.UNIT + units(Math.min(size - from - Pattern.UNIT, lengthLimit()));
        int number = marks.begin("zero " + image + " " + from + " " + length);
        if (random.nextBoolean()) {
            file.writeZeroes(from, length);
        } else {
            file.discard(from, length);
        }
        marks.end(number);
    }

    private void flush(RbdFile file) throws IOException {
        int number = marks.begin("flush " + image);
        file.force();
        marks.end(number);
    }

    private void flushNowAndThen(RbdFile file, int times) throws Exception {
        for (int i = 0; i < times && !load.isEnded(); i++) {
            Thread.sleep(2);
            flush(file);
        }
    }

    private int lengthLimit() {
        return random.nextInt(4) == 0 ? MAX_SIZE : 8192;
    }

    private int anySize() {
        return MIN_SIZE + random.nextInt((MAX_SIZE - MIN_SIZE) / 512 + 1) * 512;
    }

    /** A multiple of the unit from 0 to this. */
    private int units(int most) {
        return random.nextInt(Math.max(0, most) / Pattern.UNIT + 1) * Pattern.UNIT;
    }
}
