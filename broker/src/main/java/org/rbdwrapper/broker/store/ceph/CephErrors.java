package org.rbdwrapper.broker.store.ceph;

import com.ceph.rados.exceptions.RadosException;
import com.ceph.rbd.RbdException;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;

/** Keeps the numbers that librbd and librados returned. */
final class CephErrors {
    private CephErrors() {}

    /**
     * Of a call about an image or a pool: where it is refused, the key's caps are the likely
     * reason.
     */
    static ErrnoException of(Exception e, String what) {
        ErrnoException failure = ofConnection(e, what);
        return new ErrnoException(failure.errno(), what + advice(failure.errno()), e);
    }

    /** Of the connection itself. */
    static ErrnoException ofConnection(Exception e, String what) {
        int result =
                switch (e) {
                    case RadosException rados -> rados.getReturnValue();
                    case RbdException rbd -> rbd.getReturnValue();
                    case CephCallException call -> call.result();
                    case IOException io -> 0;
                    default -> 0;
                };
        Errno errno = result == 0 ? Errno.EIO : Errno.of(result);
        return new ErrnoException(errno, what, e);
    }

    private static String advice(Errno errno) {
        if (errno.equals(Errno.EPERM) || errno.equals(Errno.EACCES)) {
            return " (does the key's caps allow it: mon 'profile rbd', osd 'profile rbd pool=…'?)";
        }
        return "";
    }
}
