/* syscall(2): programs that make their system calls by number. Each that concerns an image goes to
 * the hook of its name; all others pass on at once. By number none is a cancellation point. */

#include <stdarg.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "by_number.h"
#include "descriptor.h"
#include "hook.h"
#include "linux_aio.h"
#include "memory.h"
#include "taken.h"

/* What the arguments are, by the call. */
#define FD ((int) a)
#define FD2 ((int) b)

static long by_descriptor(long number, long a, long b, long c, long d, long e, long f, bool *known)
{
    *known = true;
    switch (number) {
    case SYS_read:
        return read(FD, (void *) b, (size_t) c);
    case SYS_write:
        return write(FD, (const void *) b, (size_t) c);
    case SYS_pread64:
        return pread(FD, (void *) b, (size_t) c, d);
    case SYS_pwrite64:
        return pwrite(FD, (const void *) b, (size_t) c, d);
    case SYS_readv:
        return readv(FD, (const struct iovec *) b, (int) c);
    case SYS_writev:
        return writev(FD, (const struct iovec *) b, (int) c);
    case SYS_preadv:
        return preadv(FD, (const struct iovec *) b, (int) c, d);
    case SYS_pwritev:
        return pwritev(FD, (const struct iovec *) b, (int) c, d);
    case SYS_preadv2: /* the offset comes in two halves, of which the first holds all 64 bits */
        return preadv2(FD, (const struct iovec *) b, (int) c, d, (int) f);
    case SYS_pwritev2:
        return pwritev2(FD, (const struct iovec *) b, (int) c, d, (int) f);
    case SYS_lseek:
        return lseek(FD, b, (int) c);
    case SYS_close:
        return close(FD);
    case SYS_dup:
        return dup(FD);
    case SYS_fcntl:
        return fcntl(FD, (int) b, (void *) c);
    case SYS_flock:
        return flock(FD, (int) b);
    case SYS_ioctl:
        return ioctl(FD, (unsigned long) b, (void *) c);
    case SYS_fstat:
        return fstat(FD, (struct stat *) b);
    case SYS_fsync:
        return fsync(FD);
    case SYS_fdatasync:
        return fdatasync(FD);
    case SYS_syncfs:
        return syncfs(FD);
    case SYS_sync_file_range:
        return sync_file_range(FD, b, c, (unsigned) d);
    case SYS_utimensat:
        *known = b == 0; /* else the descriptor is where the path begins */
        return *known ? futimens(FD, (const struct timespec *) c) : 0;
    case SYS_ftruncate:
        return ftruncate(FD, b);
    case SYS_fallocate:
        return fallocate(FD, (int) b, c, d);
    default:
        *known = false;
        return e; /* not used */
    }
}

/* Of those above. */
static bool is_cancellation_point_by_name(long number)
{
    switch (number) {
    case SYS_read:
    case SYS_write:
    case SYS_pread64:
    case SYS_pwrite64:
    case SYS_readv:
    case SYS_writev:
    case SYS_preadv:
    case SYS_pwritev:
    case SYS_preadv2:
    case SYS_pwritev2:
    case SYS_close:
    case SYS_fcntl:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_sync_file_range:
    case SYS_fallocate:
        return true;
    default:
        return false;
    }
}

static long by_descriptor_uncancelled(long number, long a, long b, long c, long d, long e, long f, bool *known)
{
    if (!is_cancellation_point_by_name(number)) {
        return by_descriptor(number, a, b, c, d, e, f, known);
    }
    struct taken_mark mark;
    struct taken *entered = taken_enter(&mark, TAKEN_BY_NUMBER);
    long result = by_descriptor(number, a, b, c, d, e, f, known);
    taken_pop(entered);
    return result;
}

/* All six arguments are taken, whatever the call has, as the C library does: the last may be what
 * happens to stand on the caller's stack. */
__attribute__((no_sanitize("address"))) HOOK long syscall(long number, ...)
{
    va_list arguments;
    va_start(arguments, number);
    long a = va_arg(arguments, long);
    long b = va_arg(arguments, long);
    long c = va_arg(arguments, long);
    long d = va_arg(arguments, long);
    long e = va_arg(arguments, long);
    long f = va_arg(arguments, long);
    va_end(arguments);
    bool known = false;
    if (number == SYS_close && !descriptor_is_image(FD)) {
        return descriptor_is_kept(FD) ? as_result(-EBADF) : REAL(syscall)(number, a, b, c, d, e, f);
    }
    if (descriptor_is_image(FD)) {
        long result = by_descriptor_uncancelled(number, a, b, c, d, e, f, &known);
        if (known) {
            return result;
        }
    }
    switch (number) {
#ifdef SYS_open
    case SYS_open:
        return openat_by_number(AT_FDCWD, (const char *) a, (int) b, (mode_t) c);
    case SYS_creat:
        return openat_by_number(AT_FDCWD, (const char *) a, O_CREAT | O_WRONLY | O_TRUNC, (mode_t) b);
    case SYS_stat:
        return stat((const char *) a, (struct stat *) b);
    case SYS_lstat:
        return lstat((const char *) a, (struct stat *) b);
    case SYS_access:
        return access((const char *) a, (int) b);
    case SYS_readlink:
        return readlink((const char *) a, (char *) b, (size_t) c);
    case SYS_unlink:
        return unlink((const char *) a);
    case SYS_rename:
        return rename((const char *) a, (const char *) b);
    case SYS_dup2:
        return dup2(FD, FD2);
    case SYS_utime:
        return utime((const char *) a, (const struct utimbuf *) b);
    case SYS_utimes:
        return utimes((const char *) a, (const struct timeval *) b);
    case SYS_futimesat:
        return futimesat(FD, (const char *) b, (const struct timeval *) c);
#endif
    case SYS_utimensat:
        return b == 0 ? REAL(syscall)(number, a, b, c, d, e, f)
                      : utimensat(FD, (const char *) b, (const struct timespec *) c, (int) d);
    case SYS_openat:
        return openat_by_number(FD, (const char *) b, (int) c, (mode_t) d);
    case SYS_newfstatat:
        return fstatat(FD, (const char *) b, (struct stat *) c, (int) d);
    case SYS_statx:
        return statx(FD, (const char *) b, (int) c, (unsigned) d, (struct statx *) e);
    case SYS_faccessat:
        return faccessat(FD, (const char *) b, (int) c, 0);
    case SYS_readlinkat:
        return readlinkat(FD, (const char *) b, (char *) c, (size_t) d);
    case SYS_unlinkat:
        return unlinkat(FD, (const char *) b, (int) c);
    case SYS_mmap:
        if ((d & MAP_ANONYMOUS) != 0 || !descriptor_is_image((int) e)) {
            break; /* an allocator's own mmap, which the hook would pass it on to, makes this call */
        }
        return (long) mmap((void *) a, (size_t) b, (int) c, (int) d, (int) e, f);
    case SYS_truncate:
        return truncate((const char *) a, b);
    case SYS_dup3:
        return dup3(FD, FD2, (int) c);
    case SYS_close_range:
        return close_range((unsigned) a, (unsigned) b, (int) c);
    case SYS_recvmsg:
        return recvmsg_by_number(FD, (struct msghdr *) b, (int) c);
    case SYS_recvmmsg:
        return recvmmsg_by_number(FD, (struct mmsghdr *) b, (unsigned) c, (int) d, (struct timespec *) e);
    case SYS_pidfd_getfd:
        return pidfd_getfd(FD, FD2, (unsigned) c);
    case SYS_io_setup:
        return as_result(io_setup((int) a, (aio_context_t *) b));
    case SYS_io_destroy:
        return as_result(io_destroy((aio_context_t) a));
    case SYS_io_submit:
        return as_result(io_submit((aio_context_t) a, b, (struct iocb **) c));
    case SYS_io_getevents:
        return as_result(io_getevents((aio_context_t) a, b, c, (struct io_event *) d,
                                      (struct timespec *) e));
    case SYS_io_pgetevents: /* the mask comes with its size */
        if (f != 0 && !memory_can_be_read((const void *) f, sizeof(sigset_t *))) {
            return as_result(-EFAULT);
        }
        return as_result(io_pgetevents((aio_context_t) a, b, c, (struct io_event *) d,
                                       (struct timespec *) e, f == 0 ? NULL : *(sigset_t **) f));
    default:
        break;
    }
    return REAL(syscall)(number, a, b, c, d, e, f);
}
