package org.rbdwrapper.client.durability;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.Map;
import java.util.TreeMap;

/** What must be left of a load's work by a power loss, according to its {@link Marks} so far. */
final class Expectation {
    private final TreeMap<String, ExpectedImage> images = new TreeMap<>();
    private long marks;

    void apply(RecordedEvent mark) {
        for (String line : US_ASCII.decode(mark.data().duplicate()).toString().split("\n")) {
            apply(line);
        }
    }

    private void apply(String line) {
        String[] words = line.split(" ", 3);
        int number = Integer.parseInt(words[1]);
        marks++;
        if (words[0].equals("b")) {
            String[] operation = words[2].split(" ");
            images.computeIfAbsent(operation[1], ExpectedImage::new)
                    .begin(number, operation, marks);
        } else if (images.values().stream().noneMatch(image -> image.end(number, marks))) {
            throw new IllegalStateException("an end without a beginning: " + line);
        }
    }

    /** By name. */
    Map<String, ExpectedImage> images() {
        return images;
    }
}
