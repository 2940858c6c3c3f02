package org.rbdwrapper.broker.store.ceph;

import com.ceph.rados.exceptions.RadosException;
import com.ceph.rbd.RbdException;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

/** Keeps the numbers that librbd and librados returned, and says what to do about them. */
final class CephErrors {
    private CephErrors() {}

    /** Of what was asked for on an image or a pool. */
    static ErrnoException of(Exception e, String what) {
        Errno errno = errno(e);
        boolean refused = errno.equals(Errno.EPERM) || errno.equals(Errno.EACCES);
        String advice =
                refused
                        ? " (do the key's caps allow it: mon 'profile rbd', osd 'profile rbd"
                                + " pool=NAME'?)"
                        : "";
        return new ErrnoException(errno, what + advice, e);
    }

    /** Of a connection that could not be made, where the same numbers have other reasons. */
    static ErrnoException connecting(Exception e, String user, String cluster) {
        Errno errno = errno(e);
        String advice = "";
        if (errno.equals(Errno.ENOENT)) {
            advice = " (are its mon_host and the keyring of " + user + " there?)";
        } else if (errno.equals(Errno.EACCES)) {
            advice = " (no key of " + user + " in the keyring, or one that is not the cluster's)";
        } else if (errno.equals(Errno.ETIMEDOUT)) {
            advice = " (no monitor answered within client_mount_timeout: is the cluster up?)";
        }
        return new ErrnoException(errno, user + " cannot connect to " + cluster + advice, e);
    }

    private static Errno errno(Exception e) {
        int result =
                switch (e) {
                    case RadosException rados -> rados.getReturnValue();
                    case RbdException rbd -> rbd.getReturnValue();
                    case CephCallException call -> call.result();
                    default -> 0;
                };
        return result == 0 ? Errno.EIO : Errno.of(result);
    }
}
