/* io_submit and its kin: libaio's functions, which are thin covers of system calls, and by
 * raw_call.c those calls themselves. A negative errno is their result. */

#include "linux_aio.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "aio_context.h"
#include "futex.h"
#include "hook.h"

#define SECOND_NS INT64_C(1000000000)
#define FOREVER INT64_MAX

HOOK int io_setup(int limit, aio_context_t *id)
{
    int result = REAL(io_setup)(limit, id);
    if (result == 0) {
        aio_context_add(*id, (uint32_t) limit);
    }
    return result;
}

HOOK int io_destroy(aio_context_t id)
{
    struct aio_context *context = aio_context_enter(id);
    if (context == NULL) {
        return REAL(io_destroy)(id);
    }
    int result = -EINVAL;
    if (aio_context_begin_end(context)) {
        result = REAL(io_destroy)(id);
        aio_context_end(context);
    }
    aio_context_leave(context);
    return result;
}

/* What an iocb asks for, checked in the kernel's order. 0 or what io_submit gives for it. */
static int check(const struct iocb *iocb, const struct open_file *file)
{
    uint32_t rw_flags = (uint32_t) iocb->aio_rw_flags;
    bool is_write = false;
    if (iocb->aio_reserved2 != 0 || (ssize_t) iocb->aio_nbytes < 0) {
        return -EINVAL;
    }
    switch (iocb->aio_lio_opcode) {
    case IOCB_CMD_PWRITE:
    case IOCB_CMD_PWRITEV:
        is_write = true;
        /* fall through */
    case IOCB_CMD_PREAD:
    case IOCB_CMD_PREADV:
        if ((rw_flags & ~(uint32_t) (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND)) != 0) {
            return -EOPNOTSUPP;
        }
        if (is_write ? !open_file_is_writable(file) : !open_file_is_readable(file)) {
            return -EBADF;
        }
        return iocb->aio_offset < 0 ? -EINVAL : 0;
    case IOCB_CMD_FSYNC:
    case IOCB_CMD_FDSYNC:
        return iocb->aio_buf != 0 || iocb->aio_offset != 0 || iocb->aio_nbytes != 0 || rw_flags != 0
                   ? -EINVAL
                   : 0;
    default:
        return -EINVAL;
    }
}

/* Whoever asks takes care that it is one: the kernel says EINVAL for another kind of file. */
static bool is_eventfd(int fd)
{
    char path[40];
    char target[40] = "";
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t length = REAL(readlink)(path, target, sizeof target - 1);
    return length < 0 || strcmp(target, "anon_inode:[eventfd]") == 0; /* < 0: no /proc here */
}

/* A duplicate, since the program may close its own before the request is done. */
static int take_event_descriptor(struct aio_request *request, const struct iocb *iocb)
{
    int fd = (int) iocb->aio_resfd;
    if ((iocb->aio_flags & IOCB_FLAG_RESFD) == 0) {
        return 0;
    }
    int copy = REAL(fcntl)(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) {
        return -errno;
    }
    request->event_descriptor = copy;
    return is_eventfd(copy) ? 0 : -EINVAL;
}

static bool is_write(const struct iocb *iocb)
{
    return iocb->aio_lio_opcode == IOCB_CMD_PWRITE || iocb->aio_lio_opcode == IOCB_CMD_PWRITEV;
}

static int prepare_transfer(struct aio_request *request, const struct iocb *iocb)
{
    uint32_t rw_flags = (uint32_t) iocb->aio_rw_flags;
    bool is_vector = iocb->aio_lio_opcode == IOCB_CMD_PREADV
                     || iocb->aio_lio_opcode == IOCB_CMD_PWRITEV;
    struct iovec one = {(void *) (uintptr_t) iocb->aio_buf, iocb->aio_nbytes};
    const struct iovec *vector = is_vector ? one.iov_base : &one;
    size_t count = is_vector ? iocb->aio_nbytes : 1;
    size_t length = 0;
    if (count > IOV_MAX) {
        return -EINVAL;
    }
    for (size_t i = 0; i < count; i++) {
        if (vector[i].iov_len > SSIZE_MAX - length) {
            return -EINVAL;
        }
        length += vector[i].iov_len;
    }
    int error = aio_request_set_vector(request, vector, count);
    if (error < 0) {
        return error;
    }
    aio_request_set_transfer(request, is_write(iocb), length, iocb->aio_offset);
    if (is_write(iocb) && length > 0 && (rw_flags & RWF_APPEND) != 0) {
        request->queued.result = -ENOSPC;
    }
    if (is_write(iocb) && (rw_flags & (RWF_DSYNC | RWF_SYNC)) != 0) {
        request->then_flush = true;
    }
    return 0;
}

static int prepare(struct aio_context *context, struct aio_request *request,
                   const struct iocb *iocb)
{
    int error = take_event_descriptor(request, iocb);
    if (error == 0) {
        error = check(iocb, request->file);
    }
    if (error == 0) {
        error = aio_engine_open(&context->engine, request);
    }
    if (error < 0) {
        return error;
    }
    if (iocb->aio_lio_opcode == IOCB_CMD_FSYNC || iocb->aio_lio_opcode == IOCB_CMD_FDSYNC) {
        aio_request_set_flush(request);
        return 0;
    }
    return prepare_transfer(request, iocb);
}

/* Under the lock. file: the reference becomes the request's. */
static int add(struct aio_context *context, struct iocb *iocb, struct open_file *file)
{
    struct aio_request *request = aio_request_take(&context->engine, file, CALL_io_submit);
    if (request == NULL) {
        return -EAGAIN;
    }
    request->data = iocb->aio_data;
    request->object = (uint64_t) (uintptr_t) iocb;
    int error = prepare(context, request, iocb);
    if (error == 0 && request->event_descriptor >= 0) {
        error = aio_context_start_courier(context);
    }
    if (error < 0) {
        aio_request_give_back(&context->engine, request);
        return error;
    }
    iocb->aio_key = 0; /* as the kernel does */
    aio_engine_add(&context->engine, request);
    return 0;
}

/* As many as are images', from the first on. Their number or, where it is 0, an error. */
static long submit_to_images(aio_context_t id, long count, struct iocb **requests)
{
    struct aio_context *context;
    long done = 0;
    int error = aio_context_enter_for_images(id, &context);
    if (error < 0) {
        return error;
    }
    aio_engine_lock(&context->engine);
    while (done < count && error == 0) {
        struct open_file *file = descriptor_acquire((int) requests[done]->aio_fildes);
        if (file == NULL) {
            break;
        }
        error = add(context, requests[done], file);
        done += error == 0;
    }
    aio_context_start(context);
    aio_engine_unlock(&context->engine);
    aio_context_leave(context);
    return done > 0 ? done : error;
}

/* Before the kernel gets requests: who waits for images only has to wait for both. */
static int prepare_for_kernel(aio_context_t id)
{
    int error = 0;
    struct aio_context *context = aio_context_enter(id);
    if (context == NULL) {
        return 0;
    }
    if (!atomic_load_explicit(&context->has_kernel_requests, memory_order_relaxed)) {
        atomic_store(&context->has_kernel_requests, true);
    }
    if (atomic_load(&context->engine.queue) != NULL && !atomic_load(&context->has_courier)) {
        aio_engine_lock(&context->engine);
        error = aio_context_start_courier(context);
        aio_engine_unlock(&context->engine);
    }
    aio_context_leave(context);
    return error;
}

static long submit_to_kernel(aio_context_t id, long count, struct iocb **requests)
{
    int error = prepare_for_kernel(id);
    return error < 0 ? error : REAL(io_submit)(id, count, requests);
}

/* How many, from the first on, are of one kind. */
static long count_alike(long count, struct iocb **requests, bool of_images)
{
    long alike = 0;
    while (alike < count
           && descriptor_is_image((int) requests[alike]->aio_fildes) == of_images) {
        alike++;
    }
    return alike;
}

HOOK int io_submit(aio_context_t id, long count, struct iocb **requests)
{
    long done = 0;
    if (count <= 0 || requests == NULL) {
        return REAL(io_submit)(id, count, requests);
    }
    while (done < count) {
        bool of_images = descriptor_is_image((int) requests[done]->aio_fildes);
        long alike = count_alike(count - done, requests + done, of_images);
        long result = of_images ? submit_to_images(id, alike, requests + done)
                                : submit_to_kernel(id, alike, requests + done);
        if (of_images) {
            report_count(CALL_io_submit);
        } else if (result == -EBADF && descriptor_adopt((int) requests[done]->aio_fildes)) {
            continue;
        }
        if (result < 0) {
            return done > 0 ? (int) done : (int) result;
        }
        done += result;
        if (result < alike) {
            /* the next one shows why, or is an image's that came past every hook */
            if (of_images || !descriptor_adopt((int) requests[done]->aio_fildes)) {
                break;
            }
        }
    }
    return (int) done;
}

/* A wait for events, of either call. */
struct wait {
    aio_context_t id;
    long least;
    long most;
    struct io_event *events;
    struct timespec *timeout;
    sigset_t *mask;
    bool has_mask;
    int64_t deadline_ns;
};

static long ask_kernel(const struct wait *wait, long least, long most, struct io_event *events,
                       struct timespec *timeout)
{
    return wait->has_mask ? REAL(io_pgetevents)(wait->id, least, most, events, timeout, wait->mask)
                          : REAL(io_getevents)(wait->id, least, most, events, timeout);
}

static long take_events(struct aio_context *context, struct io_event *events, long room)
{
    struct aio_request *request;
    long count = 0;
    while (count < room && (request = aio_context_take(context)) != NULL) {
        events[count++] = (struct io_event) {
            .data = request->data,
            .obj = request->object,
            .res = request->queued.result,
        };
        aio_request_give_back(&context->engine, request);
    }
    return count;
}

static struct timespec left_of(const struct wait *wait)
{
    int64_t left = wait->deadline_ns - futex_now_ns();
    left = left < 0 ? 0 : left;
    return (struct timespec) {left / SECOND_NS, left % SECOND_NS};
}

/* Takes what the kernel has, without waiting. */
static long poll_kernel(struct aio_context *context, const struct wait *wait, long count)
{
    while (count < wait->most && atomic_load(&context->has_kernel_requests)) {
        struct timespec now = {0, 0};
        long came = REAL(io_getevents)(wait->id, 0, wait->most - count, wait->events + count, &now);
        long kept = aio_context_without_kicks(context, wait->events + count, came);
        if (kept < 0) {
            return count;
        }
        count += kept;
        if (kept == came) { /* else there may be more behind the kicks */
            break;
        }
    }
    return count;
}

static long sleep_in_kernel(struct aio_context *context, const struct wait *wait, long count)
{
    struct timespec left = left_of(wait);
    long came = ask_kernel(wait, 1, wait->most - count, wait->events + count,
                           wait->deadline_ns == FOREVER ? NULL : &left);
    return aio_context_without_kicks(context, wait->events + count, came);
}

/* Events of both kinds, where a queue is tied to the context. count: those that are there. */
static long await_both(struct aio_context *context, const struct wait *wait, long count)
{
    struct queue *queue = atomic_load(&context->engine.queue);
    bool is_late = wait->deadline_ns == 0;
    while (true) {
        aio_engine_lock(&context->engine);
        if (wait->mask != NULL && !is_late && aio_context_start_courier(context) < 0) {
            is_late = true; /* no thread to be had: does not wait */
        }
        count += take_events(context, wait->events + count, wait->most - count);
        struct queue_sight sight = queue_look(queue);
        bool in_kernel = atomic_load(&context->has_courier);
        bool sleeps = count < wait->least && !is_late && atomic_load(&context->ending) == 0;
        if (sleeps && in_kernel) {
            atomic_fetch_add(&context->kernel_sleepers, 1); /* the courier kicks from here on */
        }
        aio_engine_unlock(&context->engine);
        if (!sleeps) {
            return poll_kernel(context, wait, count);
        }
        long result;
        if (in_kernel) {
            result = sleep_in_kernel(context, wait, count);
            atomic_fetch_sub(&context->kernel_sleepers, 1);
            count += result > 0 ? result : 0;
        } else {
            result = queue_await(queue, sight, wait->deadline_ns, true);
        }
        if (result == -EINTR) {
            return count > 0 ? count : -EINTR;
        }
        if (result < 0 && result != -ETIMEDOUT) {
            return count > 0 ? count : result;
        }
        is_late = wait->deadline_ns != FOREVER && futex_now_ns() >= wait->deadline_ns;
    }
}

/* Where no image is concerned yet: the kernel's call, unless that changes meanwhile. */
static long await_kernel(struct aio_context *context, const struct wait *wait)
{
    long result = 0;
    uint32_t wanted = wait->least > 0 ? (uint32_t) wait->least : 1;
    atomic_fetch_add(&context->kernel_sleepers, wanted);
    bool is_tied = atomic_load(&context->engine.queue) != NULL;
    if (!is_tied) {
        result = ask_kernel(wait, wait->least, wait->most, wait->events, wait->timeout);
        result = aio_context_without_kicks(context, wait->events, result);
        is_tied = atomic_load(&context->engine.queue) != NULL;
    }
    atomic_fetch_sub(&context->kernel_sleepers, wanted);
    return is_tied && result >= 0 && result < wait->least ? await_both(context, wait, result)
                                                          : result;
}

static int await(struct wait *wait)
{
    int error = errno;
    struct aio_context *context = aio_context_enter(wait->id);
    if (context == NULL || wait->least < 0 || wait->least > wait->most) {
        if (context != NULL) {
            aio_context_leave(context);
        }
        return (int) ask_kernel(wait, wait->least, wait->most, wait->events, wait->timeout);
    }
    bool is_tied = atomic_load(&context->engine.queue) != NULL;
    if (wait->timeout == NULL) {
        wait->deadline_ns = FOREVER;
    } else if (wait->timeout->tv_sec > 0 || wait->timeout->tv_nsec > 0) {
        int64_t seconds = wait->timeout->tv_sec < INT32_MAX ? wait->timeout->tv_sec : INT32_MAX;
        wait->deadline_ns = futex_now_ns() + seconds * SECOND_NS + wait->timeout->tv_nsec;
    }
    long result = is_tied ? await_both(context, wait, 0) : await_kernel(context, wait);
    if (is_tied) {
        report_count(CALL_io_getevents);
    }
    aio_context_leave(context);
    errno = error;
    return (int) result;
}

HOOK int io_getevents(aio_context_t id, long least, long most, struct io_event *events,
                      struct timespec *timeout)
{
    struct wait wait = {id, least, most, events, timeout, NULL, false, 0};
    return await(&wait);
}

HOOK int io_pgetevents(aio_context_t id, long least, long most, struct io_event *events,
                       struct timespec *timeout, sigset_t *mask)
{
    struct wait wait = {id, least, most, events, timeout, mask, true, 0};
    return await(&wait);
}

extern int io_queue_init(int limit, aio_context_t *id);
extern int io_queue_release(aio_context_t id);
extern int io_queue_run(aio_context_t id);
extern int io_queue_wait(aio_context_t id, struct timespec *timeout);

/* libaio's own call its io_setup and so on, past any hook. */
HOOK int io_queue_init(int limit, aio_context_t *id)
{
    if (limit <= 0) {
        return -EINVAL;
    }
    *id = 0;
    return io_setup(limit, id);
}

HOOK int io_queue_release(aio_context_t id)
{
    return io_destroy(id);
}

HOOK int io_queue_wait(aio_context_t id, struct timespec *timeout)
{
    return io_getevents(id, 0, 0, NULL, timeout);
}

/* As libaio: an iocb's data is the function to call. */
HOOK int io_queue_run(aio_context_t id)
{
    struct timespec now = {0, 0};
    struct io_event event;
    int result;
    while ((result = io_getevents(id, 0, 1, &event, &now)) == 1) {
        void (*done)(aio_context_t, struct iocb *, long, long);
        *(void **) &done = (void *) (uintptr_t) event.data;
        done(id, (struct iocb *) (uintptr_t) event.obj, event.res, event.res2);
    }
    return result;
}
