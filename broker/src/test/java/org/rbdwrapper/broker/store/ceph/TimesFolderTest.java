package org.rbdwrapper.broker.store.ceph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rbdwrapper.broker.store.ImageTimes;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.posix.FileTimes;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** What a broker finds of the times that the one before it knew. */
final class TimesFolderTest {
    private static final ImageSpec SPEC = ImageSpec.parse("img");
    private static final long MADE = 1_000_000_000_000_000_000L;
    private static final long SECOND = 1_000_000_000L;

    @TempDir private Path folder;

    @Test
    void shouldTakeTimesOfHeaderWhereNothingIsKnown() {
        ImageTimes header = header(MADE);
        assertEquals(header, times(header));
        assertEquals(List.of(), files());
    }

    @Test
    void shouldKeepWhatWasSet() {
        image(header(MADE)).set(5, 6);
        ImageTimes times = times(header(MADE));
        assertEquals(5, times.accessed());
        assertEquals(6, times.modified());
        assertTrue(times.changed() > MADE);
    }

    @Test
    void shouldBeNewerThanWhatWasSetWhereAnotherHostHasWrittenSince() {
        image(header(MADE)).set(5, 6);
        long changed = times(header(MADE)).changed();
        long elsewhere = changed + 100 * SECOND;
        ImageTimes times = times(header(elsewhere));
        assertEquals(elsewhere, times.modified());
        assertEquals(elsewhere, times.changed());
        // by a clock that is behind ours
        ImageTimes later = times(header(elsewhere + 1));
        assertTrue(later.changed() > elsewhere);
        assertEquals(later, times(header(elsewhere + 1)));
    }

    @Test
    void shouldCountAsChangedWhereItWasOpenForWritingOrIsNotKnown() throws Exception {
        image(header(MADE)).set(5, 6);
        Path file = files().getFirst();
        byte[] intact = Files.readAllBytes(file);
        for (int damaged : new int[] {0, 7, 20, 40, 63, intact.length}) {
            byte[] bytes = Arrays.copyOf(intact, damaged < intact.length ? intact.length : 10);
            bytes[Math.min(damaged, bytes.length - 1)] ^= 1;
            Files.write(file, bytes);
            long before = FileTimes.now();
            ImageTimes times = times(header(MADE));
            assertTrue(times.modified() >= before, damaged + ": " + times);
            assertEquals(times, times(header(MADE)), "the next broker");
        }
        new TimesFile(file).writeDurably(new TimesFile.Kept(true, header(MADE), MADE, 0));
        long before = FileTimes.now();
        ImageTimes times = times(header(MADE));
        assertTrue(times.modified() >= before && times.changed() >= before, times.toString());
        assertEquals(times, times(header(MADE)), "the next broker");
    }

    @Test
    void shouldForgetImagesThatAreRemovedAndTellThemApart() {
        TimesFolder times = new TimesFolder(folder);
        times.of("cluster", SPEC, "id1", header(MADE)).set(1, 1);
        times.of("cluster", SPEC, "id2", header(MADE)).set(2, 2);
        times.of("other", SPEC, "id1", header(MADE)).set(3, 3);
        assertEquals(3, files().size());
        KeptTimes removed = times.of("cluster", SPEC, "id1", header(MADE));
        removed.forget();
        times.drop(removed);
        assertEquals(2, files().size());
        assertNotEquals(
                1, times.of("cluster", SPEC, "id1", header(MADE)).keeper().times().modified());
        assertEquals(2, times.of("cluster", SPEC, "id2", header(MADE)).keeper().times().modified());
    }

    @Test
    void shouldLeaveNothingOfAnImageWhoseWriterClosesAfterItsRemoval() {
        KeptTimes times = image(header(MADE));
        times.beginWriting(null);
        times.forget();
        assertEquals(List.of(), files(), "while it is removed");
        times.endWriting(null, MADE);
        times.set(1, 1);
        times.onHeader(MADE + SECOND);
        assertEquals(List.of(), files());
    }

    @Test
    void shouldKnowTheTimesOfAnImageThatCouldNotBeRemoved() {
        KeptTimes times = image(header(MADE));
        times.set(5, 6);
        times.forget();
        times.rememberAgain();
        assertEquals(6, times(header(MADE)).modified());
        times.beginWriting(null);
        times.forget();
        times.rememberAgain();
        assertTrue(times(header(MADE)).modified() > MADE, "it was open when the broker died");
    }

    @Test
    void shouldForgetThoseThatWereWrittenLongestAgoWhereThereAreTooMany() throws Exception {
        TimesFolder before = new TimesFolder(folder);
        for (int i = 0; i < 10; i++) {
            before.of("cluster", SPEC, "id" + i, header(MADE)).set(i, i);
            for (Path file : files()) {
                FileTime written = Files.getLastModifiedTime(file);
                Files.setLastModifiedTime(
                        file, FileTime.fromMillis(written.toMillis() - 1_000)); // a second passes
            }
        }
        assertEquals(10, files().size());
        TimesFolder after = new TimesFolder(folder, 4);
        assertEquals(4, files().size());
        for (int i = 0; i < 10; i++) {
            long modified = i < 6 ? MADE : i;
            assertEquals(
                    modified,
                    after.of("cluster", SPEC, "id" + i, header(MADE)).keeper().times().modified());
        }
    }

    /** As a new broker finds it. */
    private KeptTimes image(ImageTimes header) {
        return new TimesFolder(folder).of("cluster", SPEC, "id", header);
    }

    private ImageTimes times(ImageTimes header) {
        return image(header).keeper().times();
    }

    private static ImageTimes header(long modified) {
        return new ImageTimes(MADE, modified, modified, MADE);
    }

    private List<Path> files() {
        try (Stream<Path> list = Files.list(folder)) {
            return list.toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
