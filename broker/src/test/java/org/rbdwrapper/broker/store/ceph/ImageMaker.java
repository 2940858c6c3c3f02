package org.rbdwrapper.broker.store.ceph;

import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

import java.nio.file.Path;
import java.util.Map;

/** A process of its own, to be started in another locale: creates an image. */
final class ImageMaker {
    /** Added to the name that is given: arguments are subject to the locale, too. */
    static final String SUFFIX = "-b\u00fccher";

    private ImageMaker() {}

    public static void main(String[] arguments) throws ErrnoException {
        try (StoreConnection connection =
                CephStore.open(Path.of(arguments[0]), arguments[1], Map.of()).connect("maker")) {
            connection.create(ImageSpec.parse(arguments[2] + SUFFIX), 1 << 20);
        }
    }
}
