package org.rbdwrapper.client.durability;

import org.rbdwrapper.broker.DurableFiles;
import org.rbdwrapper.broker.store.ImageIo;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.store.file.FileStore;
import org.rbdwrapper.ipc.ImageSpec;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Leaves the embedded store as a broker does that is killed after its last system call but one: an
 * image has been renamed, to its place or away from it, and no folder has been synced since. Then
 * the next broker opens the store and uses it.
 *
 * <p>Arguments: state directory, run directory, file of {@link Marks}.
 */
public final class KilledBrokerLoad {
    private static final int SIZE = 4096;

    private KilledBrokerLoad() {}

    public static void main(String[] args) throws Exception {
        Path stateDir = Path.of(args[0]);
        Path images = stateDir.resolve("images");
        Path elsewhere = stateDir.resolve("elsewhere");
        DurableFiles.makeDirectories(stateDir);
        try (Marks marks = new Marks(Path.of(args[2]))) {
            int removed = create(marks, images, "removed");
            marks.end(removed);
            int made = create(marks, elsewhere, "made");
            Path unfinished = images.resolve(".unfinished-1");
            DurableFiles.move(imageIn(elsewhere, "made"), unfinished);

            marks.begin("remove removed");
            Files.move(imageIn(images, "removed"), images.resolve(".unfinished-2"));
            Files.move(unfinished, imageIn(images, "made"));
            use(marks, images, made);
        }
    }

    private static Path imageIn(Path images, String name) {
        return images.resolve("rbd").resolve("@").resolve(name);
    }

    private static int create(Marks marks, Path images, String name) throws Exception {
        int number = marks.begin("create " + name + " " + SIZE);
        try (FileStore store = FileStore.open(images);
                StoreConnection connection = store.connect("load")) {
            connection.create(ImageSpec.parse(name), SIZE);
        }
        return number;
    }

    private static void use(Marks marks, Path images, int made) throws Exception {
        try (FileStore store = FileStore.open(images);
                StoreConnection connection = store.connect("load");
                StoreImage image = connection.open(ImageSpec.parse("made"), false);
                ImageIo io = new ImageIo(image, SIZE)) {
            marks.end(made); // it is listed, and can be opened
            int write = marks.begin("write made 0 " + SIZE);
            ByteBuffer pattern = Pattern.of(write, 0, SIZE);
            byte[] bytes = new byte[SIZE];
            pattern.get(bytes);
            if (io.write(0, bytes) != SIZE) {
                throw new AssertionError("not written");
            }
            marks.end(write);
            int flush = marks.begin("flush made");
            if (io.flush() != 0) {
                throw new AssertionError("not flushed");
            }
            marks.end(flush);
        }
    }
}
