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
        return text.contains("quota") ? Errno.EDQUOT : Errno.EIO;
    }
}
