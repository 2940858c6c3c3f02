#include "real.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "next_symbol.h"

struct real_calls real_calls;
bool real_calls_found;

_Static_assert(sizeof(struct real_calls) == CALLS * sizeof(void *), "found by their place");

const char *const call_names[CALLS] = {
#define CALL(result, name, parameters) #name,
    FOR_EACH_CALL(CALL)
#undef CALL
};

static long missing(void)
{
    errno = ENOSYS;
    return -1;
}

/* Before glibc 2.33 these were inline functions around __xstat and its kin, which other C libraries lack. */
static int stat_by_system_call(const char *path, struct stat *status)
{
    return (int) real_calls.syscall(SYS_newfstatat, AT_FDCWD, path, status, 0);
}

static int lstat_by_system_call(const char *path, struct stat *status)
{
    return (int) real_calls.syscall(SYS_newfstatat, AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}

static int fstat_by_system_call(int fd, struct stat *status)
{
    return (int) real_calls.syscall(SYS_fstat, fd, status);
}

static int fstatat_by_system_call(int directory, const char *path, struct stat *status, int flags)
{
    return (int) real_calls.syscall(SYS_newfstatat, directory, path, status, flags);
}

static int xstat_by_system_call(int version, const char *path, struct stat *status)
{
    (void) version;
    return stat_by_system_call(path, status);
}

static int lxstat_by_system_call(int version, const char *path, struct stat *status)
{
    (void) version;
    return lstat_by_system_call(path, status);
}

static int fxstat_by_system_call(int version, int fd, struct stat *status)
{
    (void) version;
    return fstat_by_system_call(fd, status);
}

static int fxstatat_by_system_call(int version, int directory, const char *path,
                                   struct stat *status, int flags)
{
    (void) version;
    return fstatat_by_system_call(directory, path, status, flags);
}

/* Never libaio's functions: they need not be there, and call syscall(2), whose hook calls these. */
static int io_setup_by_system_call(int limit, unsigned long *id)
{
    return real_calls.syscall(SYS_io_setup, limit, id) < 0 ? -errno : 0;
}

static int io_destroy_by_system_call(unsigned long id)
{
    return real_calls.syscall(SYS_io_destroy, id) < 0 ? -errno : 0;
}

static int io_submit_by_system_call(unsigned long id, long count, struct iocb **requests)
{
    int result = (int) real_calls.syscall(SYS_io_submit, id, count, requests);
    return result < 0 ? -errno : result;
}

static int io_getevents_by_system_call(unsigned long id, long least, long most,
                                       struct io_event *events, struct timespec *timeout)
{
    int result = (int) real_calls.syscall(SYS_io_getevents, id, least, most, events, timeout);
    return result < 0 ? -errno : result;
}

static int io_pgetevents_by_system_call(unsigned long id, long least, long most,
                                        struct io_event *events, struct timespec *timeout,
                                        sigset_t *mask)
{
    struct {
        sigset_t *mask;
        size_t size; /* of the kernel's */
    } signals = {mask, _NSIG / 8};
    int result = (int) real_calls.syscall(SYS_io_pgetevents, id, least, most, events, timeout,
                                          mask == NULL ? NULL : &signals);
    return result < 0 ? -errno : result;
}

static int pidfd_getfd_by_system_call(int process, int fd, unsigned flags)
{
    return (int) real_calls.syscall(SYS_pidfd_getfd, process, fd, flags);
}

/* What no library has says so. Two threads may do this at once: both write the same. */
void real_find_calls(void)
{
    int error = errno;
    struct real_calls found = {
#define CALL(result, name, parameters) .name = (result(*) parameters) (void (*)(void)) missing,
        FOR_EACH_CALL(CALL)
#undef CALL
    };
    found.stat = found.stat64 = stat_by_system_call;
    found.lstat = found.lstat64 = lstat_by_system_call;
    found.fstat = found.fstat64 = fstat_by_system_call;
    found.fstatat = found.fstatat64 = fstatat_by_system_call;
    found.__xstat = found.__xstat64 = xstat_by_system_call;
    found.__lxstat = found.__lxstat64 = lxstat_by_system_call;
    found.__fxstat = found.__fxstat64 = fxstat_by_system_call;
    found.__fxstatat = found.__fxstatat64 = fxstatat_by_system_call;
    found.pidfd_getfd = pidfd_getfd_by_system_call;
    next_symbols_find(call_names, (void **) &found, CALLS);
    if ((void *) found.__isoc23_vfwscanf == (void *) missing) {
        found.__isoc23_vfwscanf = found.__isoc99_vfwscanf; /* before glibc 2.38 */
    }
    found.io_setup = io_setup_by_system_call;
    found.io_destroy = io_destroy_by_system_call;
    found.io_submit = io_submit_by_system_call;
    found.io_getevents = io_getevents_by_system_call;
    found.io_pgetevents = io_pgetevents_by_system_call;
    real_calls = found;
    __atomic_store_n(&real_calls_found, true, __ATOMIC_RELEASE);
    errno = error;
}
