package org.rbdwrapper.ipc;

import java.io.IOException;
import java.net.ConnectException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.Map;

/**
 * The one table of error numbers and the exceptions that Java programs expect for them. What is not
 * in it is an {@link ErrnoException}, which carries its number.
 */
public final class IoErrors {
    private static final Map<Errno, Factory> EXCEPTIONS =
            Map.of(
                    Errno.ENOENT, (path, text) -> new NoSuchFileException(path, null, text),
                    Errno.EACCES, (path, text) -> new AccessDeniedException(path, null, text),
                    Errno.EPERM, (path, text) -> new AccessDeniedException(path, null, text),
                    Errno.EEXIST, (path, text) -> new FileAlreadyExistsException(path, null, text),
                    Errno.ECONNREFUSED, (path, text) -> new ConnectException(text),
                    Errno.EBADF, (path, text) -> new ClosedChannelException());

    private IoErrors() {}

    /** The exception for a failure; its cause is the failure itself, with its number. */
    public static IOException exception(ErrnoException failure, String path) {
        Factory factory = EXCEPTIONS.get(failure.errno());
        if (factory == null) {
            return failure;
        }
        IOException exception = factory.create(path, failure.describe());
        exception.initCause(failure);
        return exception;
    }

    /** The number of an exception that came from {@link #exception}; EIO for any other. */
    public static Errno errno(Throwable exception) {
        for (Throwable t = exception; t != null; t = t.getCause()) {
            if (t instanceof ErrnoException failure) {
                return failure.errno();
            }
        }
        return Errno.EIO;
    }

    @FunctionalInterface
    private interface Factory {
        IOException create(String path, String text);
    }
}
