/* open(2), close(2) and their kin. */

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "by_number.h"
#include "descriptor.h"
#include "held.h"
#include "hook.h"
#include "image_open.h"
#include "locks.h"

/* How the program has called us: by a function, which is a cancellation point, or by syscall(2). */
enum way { BY_OPEN, BY_OPENAT, BY_NUMBER };

static int opened(enum way way, const struct image_path *target, int flags)
{
    report_count(way == BY_OPEN ? CALL_open : CALL_openat);
    if (way != BY_NUMBER) {
        pthread_testcancel();
    }
    int error = errno;
    held_begin();
    long result = image_open(target, flags);
    held_end();
    errno = error; /* as a system call that succeeds */
    return (int) as_result(result);
}

static enum path_follow follows(int flags)
{
    bool refuses_links = (flags & O_NOFOLLOW) != 0
                         || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
    return refuses_links ? PATH_NOFOLLOW : PATH_FOLLOW;
}

/* A number that the kernel gives out is not an image's, even if that was closed past all hooks. */
static int passed(int fd)
{
    if (descriptor_is_image(fd)) {
        descriptor_set(fd, NULL);
    }
    return fd;
}

static int open_elsewhere(enum way way, int directory, const char *path, int flags, mode_t mode)
{
    switch (way) {
    case BY_OPEN:
        return REAL(open)(path, flags, mode);
    case BY_OPENAT:
        return REAL(openat)(directory, path, flags, mode);
    default:
        return (int) REAL(syscall)(SYS_openat, directory, path, flags, mode);
    }
}

static int open_by_path(enum way way, int directory, const char *path, int flags, mode_t mode)
{
    struct image_path target;
    if (path_is_image(path, follows(flags), &target)) {
        return opened(way, &target, flags);
    }
    int fd = open_elsewhere(way, directory, path, flags, mode);
    if (fd < 0 && errno == ENXIO && path_is_placeholder(directory, path, follows(flags), &target)) {
        return opened(way, &target, flags);
    }
    if (fd < 0 && errno == ENOENT
        && path_leads_to_image(directory, path, follows(flags), &target)) {
        if (target.kind == PATH_HOST) {
            return open_by_path(way, AT_FDCWD, target.path, flags, mode);
        }
        return opened(way, &target, flags);
    }
    return passed(fd);
}

/* The mode is there only with these. */
static bool has_mode(int flags)
{
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

HOOK int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = has_mode(flags) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_by_path(BY_OPEN, AT_FDCWD, path, flags, mode);
}

HOOK int openat(int directory, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = has_mode(flags) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_by_path(BY_OPENAT, directory, path, flags, mode);
}

HOOK int creat(const char *path, mode_t mode)
{
    return open_by_path(BY_OPEN, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int openat_by_number(int directory, const char *path, int flags, mode_t mode)
{
    return open_by_path(BY_NUMBER, directory, path, flags, mode);
}

extern int __open_2(const char *path, int flags);
extern int __openat_2(int directory, const char *path, int flags);

HOOK int __open_2(const char *path, int flags)
{
    if (has_mode(flags)) {
        __chk_fail();
    }
    return open_by_path(BY_OPEN, AT_FDCWD, path, flags, 0);
}

HOOK int __openat_2(int directory, const char *path, int flags)
{
    if (has_mode(flags)) {
        __chk_fail();
    }
    return open_by_path(BY_OPENAT, directory, path, flags, 0);
}

ALIAS(open64, open);
ALIAS(__open, open);
ALIAS(__open64, open);
ALIAS(openat64, openat);
ALIAS(creat64, creat);
ALIAS(__open64_2, __open_2);
ALIAS(__openat64_2, __openat_2);

HOOK int close(int fd)
{
    if (descriptor_is_image(fd)) {
        pthread_testcancel();
    }
    struct open_file *file = descriptor_enter_number(fd);
    if (file == NULL) {
        return descriptor_is_kept(fd) ? (int) as_result(-EBADF) : REAL(close)(fd);
    }
    held_begin();
    open_file_before_close(file, fd);
    descriptor_set(fd, NULL); /* first: from the kernel's close on, another thread may get the number */
    int result = REAL(close)(fd);
    open_file_release(file);
    held_end();
    report_count(CALL_close);
    return result;
}

ALIAS(__close, close);

/* The highest number first that the client may keep. */
static int close_but_kept(unsigned first, unsigned last, int flags)
{
    for (unsigned fd = first; fd <= last && fd < DESCRIPTOR_KEPT_END; fd++) {
        if (descriptor_is_kept((int) fd)) {
            if (fd > first && REAL(close_range)(first, fd - 1, flags) < 0) {
                return -1;
            }
            first = fd + 1;
        }
    }
    return first <= last ? REAL(close_range)(first, last, flags) : 0;
}

static void forget(unsigned first, unsigned last)
{
    unsigned end = (unsigned) descriptors_end();
    for (unsigned fd = first; fd <= last && fd < end; fd++) {
        struct open_file *file = descriptor_enter_number((int) fd);
        if (file != NULL) {
            open_file_before_close(file, (int) fd);
            descriptor_set((int) fd, NULL);
            open_file_release(file);
            report_count(CALL_close_range);
        }
    }
}

HOOK int close_range(unsigned first, unsigned last, int flags)
{
    if (first > last || (flags & CLOSE_RANGE_CLOEXEC) != 0) {
        return REAL(close_range)(first, last, flags);
    }
    forget(first, last);
    return close_but_kept(first, last, flags);
}

HOOK void closefrom(int first)
{
    unsigned from = first < 0 ? 0 : (unsigned) first;
    forget(from, ~0U);
    if (close_but_kept(from, ~0U, 0) < 0) {
        REAL(closefrom)(first); /* a kernel without close_range(2) */
    }
}
