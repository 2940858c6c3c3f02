package org.rbdwrapper.client;

import org.rbdwrapper.client.session.OpenedImage;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.IoErrors;

import java.io.IOException;

/** What operations on a file fail with, as the program gets it. Any thread. */
final class FileErrors {
    private FileErrors() {}

    /** Of an operation: what is no error number is what was thrown. */
    static Throwable failure(OpenedImage image, Throwable thrown) {
        return thrown instanceof ErrnoException e ? failure(image, e) : thrown;
    }

    /** Of an operation, which may be how its file hears that it is lost. */
    static IOException failure(OpenedImage image, ErrnoException e) {
        image.onFailure(e);
        return refusal(image, e);
    }

    /** Why an operation was not begun. */
    static IOException refusal(OpenedImage image, ErrnoException e) {
        String path = image.path();
        return IoErrors.exception(new ErrnoException(e.errno(), path + ": " + e.what(), e), path);
    }
}
