package org.rbdwrapper.ipc;

import java.util.HashMap;
import java.util.Map;

/**
 * A Linux error number (x86_64 and arm64 share them) with its symbol and a short text in lower
 * case. A number without a symbol is kept as it came: nothing on the way from librbd to the program
 * is allowed to turn one error into another.
 */
public final class Errno {
    private static final Map<Integer, Errno> KNOWN = new HashMap<>();

    public static final Errno EPERM = known(1, "EPERM", "operation not permitted");
    public static final Errno ENOENT = known(2, "ENOENT", "no such file or directory");
    public static final Errno ESRCH = known(3, "ESRCH", "no such process");
    public static final Errno EIO = known(5, "EIO", "input/output error");
    public static final Errno ENXIO = known(6, "ENXIO", "no such device or address");
    public static final Errno EBADF = known(9, "EBADF", "bad file descriptor");
    public static final Errno EAGAIN = known(11, "EAGAIN", "resource temporarily unavailable");
    public static final Errno ENOMEM = known(12, "ENOMEM", "cannot allocate memory");
    public static final Errno EACCES = known(13, "EACCES", "permission denied");
    public static final Errno EFAULT = known(14, "EFAULT", "bad address");
    public static final Errno EBUSY = known(16, "EBUSY", "device or resource busy");
    public static final Errno EEXIST = known(17, "EEXIST", "file exists");
    public static final Errno EXDEV = known(18, "EXDEV", "invalid cross-device link");
    public static final Errno ENODEV = known(19, "ENODEV", "no such device");
    public static final Errno ENOTDIR = known(20, "ENOTDIR", "not a directory");
    public static final Errno EINVAL = known(22, "EINVAL", "invalid argument");
    public static final Errno ENFILE = known(23, "ENFILE", "too many open files in system");
    public static final Errno EMFILE = known(24, "EMFILE", "too many open files");
    public static final Errno EFBIG = known(27, "EFBIG", "file too large");
    public static final Errno ENOSPC = known(28, "ENOSPC", "no space left on device");
    public static final Errno EROFS = known(30, "EROFS", "read-only file system");
    public static final Errno EPIPE = known(32, "EPIPE", "broken pipe");
    public static final Errno ERANGE = known(34, "ERANGE", "numerical result out of range");
    public static final Errno ENAMETOOLONG = known(36, "ENAMETOOLONG", "file name too long");
    public static final Errno ENOTEMPTY = known(39, "ENOTEMPTY", "directory not empty");
    public static final Errno EPROTO = known(71, "EPROTO", "protocol error");
    public static final Errno EOVERFLOW =
            known(75, "EOVERFLOW", "value too large for defined data type");
    public static final Errno EADDRINUSE = known(98, "EADDRINUSE", "address already in use");
    public static final Errno ECONNRESET = known(104, "ECONNRESET", "connection reset by peer");
    public static final Errno ENOTCONN =
            known(107, "ENOTCONN", "transport endpoint is not connected");
    public static final Errno ESHUTDOWN =
            known(108, "ESHUTDOWN", "cannot send after transport endpoint shutdown");
    public static final Errno ETIMEDOUT = known(110, "ETIMEDOUT", "connection timed out");
    public static final Errno ECONNREFUSED = known(111, "ECONNREFUSED", "connection refused");
    public static final Errno ENOBUFS = known(105, "ENOBUFS", "no buffer space available");
    public static final Errno EUSERS = known(87, "EUSERS", "too many users");
    public static final Errno ESTALE = known(116, "ESTALE", "stale file handle");
    public static final Errno EDQUOT = known(122, "EDQUOT", "disk quota exceeded");
    public static final Errno ENOSYS = known(38, "ENOSYS", "function not implemented");
    public static final Errno EPROTONOSUPPORT =
            known(93, "EPROTONOSUPPORT", "protocol not supported");
    public static final Errno EINTR = known(4, "EINTR", "interrupted system call");
    public static final Errno EOPNOTSUPP = known(95, "EOPNOTSUPP", "operation not supported");

    static {
        known(7, "E2BIG", "argument list too long");
        known(8, "ENOEXEC", "exec format error");
        known(10, "ECHILD", "no child processes");
        known(15, "ENOTBLK", "block device required");
        known(21, "EISDIR", "is a directory");
        known(25, "ENOTTY", "inappropriate ioctl for device");
        known(26, "ETXTBSY", "text file busy");
        known(29, "ESPIPE", "illegal seek");
        known(31, "EMLINK", "too many links");
        known(33, "EDOM", "numerical argument out of domain");
        known(35, "EDEADLK", "resource deadlock avoided");
        known(37, "ENOLCK", "no locks available");
        known(40, "ELOOP", "too many levels of symbolic links");
        known(42, "ENOMSG", "no message of desired type");
        known(43, "EIDRM", "identifier removed");
        known(44, "ECHRNG", "channel number out of range");
        known(45, "EL2NSYNC", "level 2 not synchronized");
        known(46, "EL3HLT", "level 3 halted");
        known(47, "EL3RST", "level 3 reset");
        known(48, "ELNRNG", "link number out of range");
        known(49, "EUNATCH", "protocol driver not attached");
        known(50, "ENOCSI", "no CSI structure available");
        known(51, "EL2HLT", "level 2 halted");
        known(52, "EBADE", "invalid exchange");
        known(53, "EBADR", "invalid request descriptor");
        known(54, "EXFULL", "exchange full");
        known(55, "ENOANO", "no anode");
        known(56, "EBADRQC", "invalid request code");
        known(57, "EBADSLT", "invalid slot");
        known(59, "EBFONT", "bad font file format");
        known(60, "ENOSTR", "device not a stream");
        known(61, "ENODATA", "no data available");
        known(62, "ETIME", "timer expired");
        known(63, "ENOSR", "out of streams resources");
        known(64, "ENONET", "machine is not on the network");
        known(65, "ENOPKG", "package not installed");
        known(66, "EREMOTE", "object is remote");
        known(67, "ENOLINK", "link has been severed");
        known(68, "EADV", "advertise error");
        known(69, "ESRMNT", "srmount error");
        known(70, "ECOMM", "communication error on send");
        known(72, "EMULTIHOP", "multihop attempted");
        known(73, "EDOTDOT", "RFS specific error");
        known(74, "EBADMSG", "bad message");
        known(76, "ENOTUNIQ", "name not unique on network");
        known(77, "EBADFD", "file descriptor in bad state");
        known(78, "EREMCHG", "remote address changed");
        known(79, "ELIBACC", "can not access a needed shared library");
        known(80, "ELIBBAD", "accessing a corrupted shared library");
        known(81, "ELIBSCN", ".lib section in a.out corrupted");
        known(82, "ELIBMAX", "attempting to link in too many shared libraries");
        known(83, "ELIBEXEC", "cannot exec a shared library directly");
        known(84, "EILSEQ", "invalid or incomplete multibyte or wide character");
        known(85, "ERESTART", "interrupted system call should be restarted");
        known(86, "ESTRPIPE", "streams pipe error");
        known(88, "ENOTSOCK", "socket operation on non-socket");
        known(89, "EDESTADDRREQ", "destination address required");
        known(90, "EMSGSIZE", "message too long");
        known(91, "EPROTOTYPE", "protocol wrong type for socket");
        known(92, "ENOPROTOOPT", "protocol not available");
        known(94, "ESOCKTNOSUPPORT", "socket type not supported");
        known(96, "EPFNOSUPPORT", "protocol family not supported");
        known(97, "EAFNOSUPPORT", "address family not supported by protocol");
        known(99, "EADDRNOTAVAIL", "cannot assign requested address");
        known(100, "ENETDOWN", "network is down");
        known(101, "ENETUNREACH", "network is unreachable");
        known(102, "ENETRESET", "network dropped connection on reset");
        known(103, "ECONNABORTED", "software caused connection abort");
        known(106, "EISCONN", "transport endpoint is already connected");
        known(109, "ETOOMANYREFS", "too many references: cannot splice");
        known(112, "EHOSTDOWN", "host is down");
        known(113, "EHOSTUNREACH", "no route to host");
        known(114, "EALREADY", "operation already in progress");
        known(115, "EINPROGRESS", "operation now in progress");
        known(117, "EUCLEAN", "structure needs cleaning");
        known(118, "ENOTNAM", "not a XENIX named type file");
        known(119, "ENAVAIL", "no XENIX semaphores available");
        known(120, "EISNAM", "is a named type file");
        known(121, "EREMOTEIO", "remote I/O error");
        known(123, "ENOMEDIUM", "no medium found");
        known(124, "EMEDIUMTYPE", "wrong medium type");
        known(125, "ECANCELED", "operation canceled");
        known(126, "ENOKEY", "required key not available");
        known(127, "EKEYEXPIRED", "key has expired");
        known(128, "EKEYREVOKED", "key has been revoked");
        known(129, "EKEYREJECTED", "key was rejected by service");
        known(130, "EOWNERDEAD", "owner died");
        known(131, "ENOTRECOVERABLE", "state not recoverable");
        known(132, "ERFKILL", "operation not possible due to RF-kill");
    }

    private final int number;
    private final String symbol;
    private final String text;

    private Errno(int number, String symbol, String text) {
        this.number = number;
        this.symbol = symbol;
        this.text = text;
    }

    /**
     * Of a number as errno holds it, or of a negative one as most of librbd's calls return it.
     *
     * @throws IllegalArgumentException for 0, which is not an error.
     */
    public static Errno of(int number) {
        if (number == 0 || number == Integer.MIN_VALUE) {
            throw new IllegalArgumentException("not an error number: " + number);
        }
        int positive = Math.abs(number);
        Errno known = KNOWN.get(positive);
        return known != null ? known : new Errno(positive, "errno " + positive, "unknown error");
    }

    /** Positive. */
    public int number() {
        return number;
    }

    /** {@code ENOENT}; {@code errno 1234} for one that has no symbol. */
    public String symbol() {
        return symbol;
    }

    /** {@code no such file or directory}. */
    public String text() {
        return text;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Errno that && that.number == number;
    }

    @Override
    public int hashCode() {
        return number;
    }

    @Override
    public String toString() {
        return symbol;
    }

    private static Errno known(int number, String symbol, String text) {
        Errno errno = new Errno(number, symbol, text);
        KNOWN.put(number, errno);
        return errno;
    }
}
