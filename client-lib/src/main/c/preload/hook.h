/* What each file of hooks uses.
 *
 * A hook passes on at once, with errno as it was, where no image is concerned: it costs one load.
 * Functions behind the hooks return a negative errno; only leave() and hooks set errno. */

#ifndef RBDW_HOOK_H
#define RBDW_HOOK_H

#include <errno.h>

#include "calls.h"
#include "descriptors.h"
#include "open_file.h"
#include "real.h"
#include "report.h"

#define HOOK __attribute__((visibility("default")))

/* gcc warns where an alias lacks an attribute (nothrow) of its target. */
#if __has_attribute(copy)
#define COPY_ATTRIBUTES(name) , copy(name)
#else
#define COPY_ATTRIBUTES(name)
#endif

/* The same hook by another name. By the assembler's name, because the C types of the two may differ
 * in name only (struct stat64). */
#define ALIAS(other, name)                                                                         \
    extern __typeof(name) alias_of_##name##_##other __asm__(#other)                                \
        __attribute__((alias(#name), visibility("default") COPY_ATTRIBUTES(name)))

/* A negative errno as the C library has it. */
static inline long as_result(long result)
{
    if (result < 0) {
        errno = (int) -result;
        return -1;
    }
    return result;
}

/* Whether the C library's own is a cancellation point whatever it is asked for. */
static inline bool is_cancellation_point(enum call call)
{
    switch (call) {
    case CALL_read:
    case CALL_write:
    case CALL_pread:
    case CALL_pwrite:
    case CALL_readv:
    case CALL_writev:
    case CALL_preadv:
    case CALL_pwritev:
    case CALL_preadv2:
    case CALL_pwritev2:
    case CALL_fsync:
    case CALL_fdatasync:
    case CALL_sync_file_range:
    case CALL_fallocate:
    case CALL_copy_file_range:
    case CALL_splice:
        return true;
    default:
        return false;
    }
}

/* Ends a call on an image's descriptor: counts it, and gives the reference back. A thread that was cancelled
 * meanwhile ends here, as with the C library's own. */
static inline long leave(struct open_file *file, enum call call, long result)
{
    open_file_release(file);
    report_count(call);
    if (is_cancellation_point(call)) {
        pthread_testcancel();
    }
    return as_result(result);
}

/* The same, for calls that move bytes. */
static inline long leave_transfer(struct open_file *file, enum call call, long result)
{
    report_bytes(call, result);
    return leave(file, call, result);
}

/* True where a call that was passed on has failed because its descriptor is an image's that came
 * past every hook (duplicated inside the C library, received over a socket): the hook then tries
 * again. */
static inline bool is_image_after_all(long result, int fd)
{
    return result < 0 && errno == EBADF && descriptor_find(fd);
}

/* Of the fortified forms: ends the program as the C library's own do. */
extern void __chk_fail(void) __attribute__((noreturn));

#endif
