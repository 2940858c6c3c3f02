package org.rbdwrapper.broker;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;

/** Gives the exceptions of java.nio.file their error number back. */
public final class FileErrors {
    private FileErrors() {}

    /** The same with its number, and with what failed in front of it. */
    public static ErrnoException of(IOException e, String what) {
        if (e instanceof ErrnoException known) {
            return new ErrnoException(known.errno(), what + " (" + known.what() + ")", e);
        }
        return new ErrnoException(errno(e), what + " (" + e.getMessage() + ")", e);
    }

    /** The number of the first failure of a file that this came from; EIO where there is none. */
    public static Errno causeOf(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof ErrnoException known) {
                return known.errno();
            }
            if (cause instanceof IOException e && !errno(e).equals(Errno.EIO)) {
                return errno(e);
            }
        }
        return Errno.EIO;
    }

    private static Errno errno(IOException e) {
        if (e instanceof NoSuchFileException) {
            return Errno.ENOENT;
        }
        if (e instanceof AccessDeniedException) {
            return Errno.EACCES;
        }
        if (e instanceof FileAlreadyExistsException) {
            return Errno.EEXIST;
        }
        if (e instanceof DirectoryNotEmptyException) {
            return Errno.ENOTEMPTY;
        }
        String text = e.getMessage() == null ? "" : e.getMessage();
        // the JDK keeps no number for these, only strerror's text
        if (text.contains("No space left")) {
            return Errno.ENOSPC;
        }
        if (text.contains("Read-only file system")) {
            return Errno.EROFS;
        }
        if (text.contains("Too many open files")) {
            return text.contains("in system") ? Errno.ENFILE : Errno.EMFILE;
        }
        if (text.contains("Cannot allocate memory")) {
            return Errno.ENOMEM;
        }
        if (text.contains("File too large")) {
            return Errno.EFBIG;
        }
        return text.contains("quota") ? Errno.EDQUOT : Errno.EIO;
    }
}
