#include "real.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

struct real_calls real_calls;
bool real_calls_found;

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

/* Before glibc 2.33 these were inline functions around __xstat and its kin. */
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

static void find(const char *name, void *function, void *otherwise)
{
    void *found = dlsym(RTLD_NEXT, name);
    *(void **) function = found != NULL ? found : otherwise;
}

/* Two threads may do this at once: both write the same. */
void real_find_calls(void)
{
    int error = errno;
#define CALL(result, name, parameters) find(#name, &real_calls.name, (void *) missing);
    FOR_EACH_CALL(CALL)
#undef CALL
    find("stat", &real_calls.stat, (void *) stat_by_system_call);
    find("lstat", &real_calls.lstat, (void *) lstat_by_system_call);
    find("fstat", &real_calls.fstat, (void *) fstat_by_system_call);
    find("fstatat", &real_calls.fstatat, (void *) fstatat_by_system_call);
    real_calls.io_setup = io_setup_by_system_call;
    real_calls.io_destroy = io_destroy_by_system_call;
    real_calls.io_submit = io_submit_by_system_call;
    real_calls.io_getevents = io_getevents_by_system_call;
    real_calls.io_pgetevents = io_pgetevents_by_system_call;
    __atomic_store_n(&real_calls_found, true, __ATOMIC_RELEASE);
    errno = error;
}
