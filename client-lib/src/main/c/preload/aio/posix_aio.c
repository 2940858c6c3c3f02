/* POSIX' asynchronous I/O: aio_read and its kin. The C library's own threads do their pread inside
 * it, past any hook, so requests on images are ours (posix_aio_requests.h); all others go to the C
 * library. */

#include <aio.h>
#include <time.h>

#include "futex.h"
#include "hook.h"
#include "posix_aio_requests.h"

#define SECOND_NS INT64_C(1000000000)
#define MIXED_LOOK_NS 1000000 /* between two looks at requests of the C library and ours */

HOOK int aio_read(struct aiocb *block)
{
    struct open_file *file = descriptor_enter(block->aio_fildes);
    if (file == NULL) {
        return REAL(aio_read)(block);
    }
    report_count(CALL_aio_read);
    return (int) as_result(posix_aio_submit(block, CALL_aio_read, file, NULL));
}

HOOK int aio_write(struct aiocb *block)
{
    struct open_file *file = descriptor_enter(block->aio_fildes);
    if (file == NULL) {
        return REAL(aio_write)(block);
    }
    report_count(CALL_aio_write);
    return (int) as_result(posix_aio_submit(block, CALL_aio_write, file, NULL));
}

HOOK int aio_fsync(int op, struct aiocb *block)
{
    struct open_file *file = descriptor_enter(block->aio_fildes);
    if (file == NULL) {
        return REAL(aio_fsync)(op, block);
    }
    report_count(CALL_aio_fsync);
    if (op != O_SYNC && op != O_DSYNC) {
        open_file_release(file);
        return (int) as_result(-EINVAL);
    }
    return (int) as_result(posix_aio_submit(block, CALL_aio_fsync, file, NULL));
}

HOOK int aio_cancel(int fd, struct aiocb *block)
{
    struct open_file *file = descriptor_enter(fd);
    if (file == NULL) {
        return REAL(aio_cancel)(fd, block);
    }
    bool any = block == NULL ? posix_aio_any_under_way(fd) : posix_aio_is_under_way(block);
    int result = block != NULL && block->aio_fildes != fd ? -EINVAL
                 : any                                    ? AIO_NOTCANCELED
                                                          : AIO_ALLDONE;
    return (int) leave(file, CALL_aio_cancel, result);
}

static int64_t deadline_of(const struct timespec *timeout)
{
    return timeout == NULL ? INT64_MAX
                           : futex_now_ns() + timeout->tv_sec * SECOND_NS + timeout->tv_nsec;
}

/* True where one is completed. ours, others: how many are under way. */
static bool look(const struct aiocb *const list[], int count, int *ours, int *others)
{
    *ours = 0;
    *others = 0;
    for (int i = 0; i < count; i++) {
        if (list[i] == NULL) {
            continue;
        }
        if (posix_aio_is_under_way(list[i])) {
            ++*ours;
        } else if (posix_aio_error_of(list[i]) == EINPROGRESS) {
            ++*others;
        } else {
            return true;
        }
    }
    return false;
}

/* Requests of both kinds: nobody tells of both, so it looks at the one and waits for the other. */
static int look_at_others(const struct aiocb *const list[], int count, int64_t deadline_ns)
{
    struct timespec moment = {0, MIXED_LOOK_NS};
    if (REAL(aio_suspend)(list, count, &moment) < 0 && errno == EINTR) {
        return -EINTR;
    }
    return futex_now_ns() >= deadline_ns ? -EAGAIN : 0;
}

/* Safe in signal handlers. */
HOOK int aio_suspend(const struct aiocb *const list[], int count, const struct timespec *timeout)
{
    int ours;
    int others;
    int error = errno;
    if (count < 0) {
        return (int) as_result(-EINVAL);
    }
    int64_t deadline_ns = 0;
    int result = 0;
    while (true) {
        uint32_t seen = atomic_load(&posix_aio_done);
        if (look(list, count, &ours, &others)) {
            result = 0;
            break;
        }
        if (result < 0) {
            break;
        }
        if (ours == 0) {
            return REAL(aio_suspend)(list, count, timeout);
        }
        if (deadline_ns == 0) {
            report_count(CALL_aio_suspend);
            deadline_ns = deadline_of(timeout);
        }
        result = others == 0 ? posix_aio_sleep(seen, deadline_ns)
                             : look_at_others(list, count, deadline_ns);
    }
    errno = error;
    return (int) as_result(result);
}

ALIAS(aio_read64, aio_read);
ALIAS(aio_write64, aio_write);
ALIAS(aio_fsync64, aio_fsync);
ALIAS(aio_cancel64, aio_cancel);
ALIAS(aio_suspend64, aio_suspend);
