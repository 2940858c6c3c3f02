/* io_getevents and its kin: the wait for events of images, of the kernel, and of both. */

#include "linux_aio.h"

#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "aio_context.h"
#include "aio_courier.h"
#include "aio_ferry.h"
#include "futex.h"
#include "hook.h"
#include "user_copy.h"

#define SECOND_NS INT64_C(1000000000)
#define FOREVER INT64_MAX

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
        long kept = aio_ferry_meet(context, wait->events + count, came);
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
    return aio_ferry_meet(context, wait->events + count, came);
}

/* The answers that have come go into the ring, if the courier does not bring them anyway: then nobody waits for who
 * has the engine's lock, as that one may be waiting for a broker, nor waits for one himself. True where it
 * does. */
static bool bring_answers(struct aio_context *context, bool needs_courier, struct queue_sight *sight)
{
    if (atomic_load(&context->courier.role) == COURIER_DELIVERS) {
        return true;
    }
    aio_engine_lock(&context->engine);
    if (needs_courier) {
        aio_courier_start(context, COURIER_DELIVERS);
    }
    bool is_brought = atomic_load(&context->courier.role) == COURIER_DELIVERS;
    aio_courier_collect(context);
    *sight = queue_look(atomic_load(&context->engine.queue));
    aio_engine_unlock(&context->engine);
    return is_brought;
}

/* Events of both kinds, where a queue is tied to the context. count: those that are there. */
static long await_both(struct aio_context *context, const struct wait *wait, long count)
{
    struct queue *queue = atomic_load(&context->engine.queue);
    bool is_late = wait->deadline_ns == 0;
    while (true) {
        struct queue_sight sight;
        bool needs_courier = wait->mask != NULL && !is_late;
        bool in_kernel = bring_answers(context, needs_courier, &sight);
        is_late |= needs_courier && !in_kernel; /* no thread to be had: does not wait */
        aio_context_lock_ring(context);
        long taken = aio_ring_take(&context->ring, wait->events + count, wait->most - count);
        if (taken < 0) {
            aio_context_unlock_ring(context);
            return count > 0 ? count : taken;
        }
        count += taken;
        bool sleeps = count < wait->least && !is_late && atomic_load(&context->ending) == 0;
        if (sleeps && in_kernel) {
            atomic_fetch_add(&context->kernel_sleepers, 1); /* kicked from here on */
        }
        aio_context_unlock_ring(context);
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
        result = aio_ferry_meet(context, wait->events, result);
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
    struct timespec timeout;
    if (wait->timeout != NULL) {
        if (user_copy_all(&timeout, wait->timeout, sizeof timeout) < 0) {
            aio_context_leave(context);
            errno = error;
            return -EFAULT;
        }
        wait->timeout = &timeout;
    }
    atomic_fetch_add_explicit(&context->calls, 1, memory_order_relaxed);
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
