#include "aio_ferry.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "aio_courier.h"
#include "descriptor.h"
#include "real.h"

#define BATCH 32
#define FIRST_PAUSE_MS 1 /* of who has to look without being told */
#define LONGEST_PAUSE_MS 16

struct crossing {
    struct crossing *next;
    uint64_t object;
    int event_descriptor; /* a duplicate of the program's, or -1 */
};

/* What io_submit reads of an iocb, as one word, and where: the kernel has its copy when it returns, but the
 * program may use the iocb again once the request is done, which may be earlier. */
struct notice {
    uint32_t flags;
    uint32_t event_descriptor;
};

static uint64_t as_word(struct notice notice)
{
    union {
        struct notice notice;
        uint64_t word;
    } both = {notice};
    return both.word;
}

static uint64_t *word_of(struct iocb *request)
{
    return (uint64_t *) (void *) &request->aio_flags;
}

static struct crossing *take_crossing(struct ferry *ferry)
{
    struct crossing *crossing = ferry->free;
    if (crossing == NULL) {
        return malloc(sizeof *crossing);
    }
    ferry->free = crossing->next;
    return crossing;
}

/* Takes the one that this object stands for out of those under way, the latest one first. */
static struct crossing *find_crossing(struct ferry *ferry, uint64_t object)
{
    struct crossing **link = &ferry->crossings;
    while (*link != NULL && (*link)->object != object) {
        link = &(*link)->next;
    }
    struct crossing *crossing = *link;
    if (crossing != NULL) {
        *link = crossing->next;
        ferry->signals -= crossing->event_descriptor >= 0;
        crossing->next = ferry->free;
        ferry->free = crossing;
    }
    return crossing;
}

/* The kernel has signalled it when its own ring had the event. Who reads ours may have looked then, and
 * found nothing. An iocb that is there no more is none that anybody waits for. */
static void signal_again(uint64_t object)
{
    struct iocb request;
    struct iovec to = {&request, sizeof request};
    struct iovec from = {(void *) (uintptr_t) object, sizeof request};
    int event_descriptor;
    if (REAL(syscall)(SYS_process_vm_readv, (long) getpid(), &to, 1L, &from, 1L, 0L)
            == (long) sizeof request
        && aio_event_descriptor(&request, &event_descriptor) == 0 && event_descriptor >= 0) {
        aio_event_signal(event_descriptor);
    }
}

/* The program can see this event now. */
static void arrive(struct ferry *ferry, const struct io_event *event, bool in_memory)
{
    struct crossing *crossing = find_crossing(ferry, event->obj);
    if (crossing == NULL) {
        ferry->foreign -= ferry->foreign > 0;
        if (in_memory) {
            signal_again(event->obj);
        }
    } else if (crossing->event_descriptor >= 0) {
        aio_event_signal(crossing->event_descriptor);
    }
}

long aio_ferry_meet(struct aio_context *context, struct io_event *events, long count)
{
    long kept = aio_context_without_kicks(context, events, count);
    if (kept > 0 && atomic_load(&context->engine.queue) != NULL) {
        aio_context_lock_ring(context);
        for (long i = 0; i < kept; i++) {
            arrive(&context->ferry, &events[i], false);
        }
        aio_context_unlock_ring(context);
    }
    return kept;
}

/* Room that no request on an image may need. */
static long free_room(struct aio_context *context)
{
    uint32_t used = aio_ring_unread(&context->ring) + context->reserved + 1;
    return used < context->ring.entries ? (long) (context->ring.entries - used) : 0;
}

/* Under the ring's lock. has_come: something was taken out of the kernel's ring. True where something may be
 * left that nobody will tell of. */
static bool carry(struct aio_context *context, aio_context_t id, bool *has_come)
{
    struct ferry *ferry = &context->ferry;
    struct timespec now = {0, 0};
    struct io_event events[BATCH];
    long room;
    *has_come = false;
    if (atomic_load(&context->kernel_sleepers) > 0 && ferry->signals == 0) {
        return true; /* they take it there, without another wake */
    }
    while ((room = free_room(context)) > 0) {
        long came = REAL(io_getevents)(id, 0, room < BATCH ? room : BATCH, events, &now);
        if (came <= 0) {
            break;
        }
        long kept = aio_context_without_kicks(context, events, came);
        for (long i = 0; i < kept; i++) {
            aio_ring_put(&context->ring, &events[i]);
            arrive(ferry, &events[i], true);
        }
        *has_come = true;
    }
    return room == 0 || ferry->foreign > 0;
}

static void *run(void *argument)
{
    struct aio_context *context = argument;
    struct pollfd told = {context->ferry.event_descriptor, POLLIN, 0};
    aio_context_t id = atomic_load(&context->id);
    int pause = FIRST_PAUSE_MS;
    while (atomic_load(&context->ending) == 0) {
        bool has_come;
        aio_context_lock_ring(context);
        bool is_left = carry(context, id, &has_come);
        aio_context_unlock_ring(context);
        if (has_come) {
            aio_context_send_kicks(context); /* also in place of those that were just taken */
        }
        if (REAL(syscall)(SYS_poll, &told, 1UL, is_left ? pause : -1) > 0) {
            uint64_t count;
            REAL(syscall)(SYS_read, told.fd, &count, sizeof count);
            pause = FIRST_PAUSE_MS;
        } else if (pause < LONGEST_PAUSE_MS) {
            pause *= 2;
        }
    }
    return NULL;
}

int aio_ferry_start(struct aio_context *context)
{
    struct ferry *ferry = &context->ferry;
    if (atomic_load(&ferry->runs)) {
        return 0;
    }
    if (atomic_load(&context->ending) != 0) {
        return -EINVAL; /* io_destroy has joined who was there */
    }
    if (ferry->event_descriptor == 0) {
        long made = REAL(syscall)(SYS_eventfd2, 0L, (long) (EFD_CLOEXEC | EFD_NONBLOCK));
        if (made < 0) {
            return -errno;
        }
        ferry->event_descriptor = descriptor_keep((int) made);
    }
    int error = aio_context_start_thread(&ferry->thread, run, context);
    atomic_store(&ferry->runs, error == 0);
    return error;
}

/* Under the ring's lock. Requests as the kernel is to see them; how many, or an error. */
static long prepare(struct ferry *ferry, long count, struct iocb **requests,
                    struct notice *notices)
{
    struct notice ours = {IOCB_FLAG_RESFD, (uint32_t) ferry->event_descriptor};
    for (long i = 0; i < count; i++) {
        struct iocb *request = requests[i];
        notices[i] = (struct notice) {request->aio_flags, request->aio_resfd};
        int event_descriptor;
        if (aio_event_descriptor(request, &event_descriptor) < 0) {
            return i; /* the kernel says why not */
        }
        struct crossing *crossing = take_crossing(ferry);
        if (crossing == NULL) {
            if (event_descriptor >= 0) {
                REAL(syscall)(SYS_close, event_descriptor);
            }
            return i > 0 ? i : -EAGAIN;
        }
        *crossing = (struct crossing) {ferry->crossings, (uint64_t) (uintptr_t) request,
                                       event_descriptor};
        ferry->crossings = crossing;
        ferry->signals += event_descriptor >= 0;
        struct notice shown = ours;
        shown.flags |= request->aio_flags;
        __atomic_store_n(word_of(request), as_word(shown), __ATOMIC_RELAXED);
    }
    return count;
}

static void restore(const struct ferry *ferry, long count, struct iocb **requests,
                    const struct notice *notices)
{
    for (long i = 0; i < count; i++) {
        struct notice shown = {notices[i].flags | IOCB_FLAG_RESFD,
                               (uint32_t) ferry->event_descriptor};
        uint64_t expected = as_word(shown);
        __atomic_compare_exchange_n(word_of(requests[i]), &expected, as_word(notices[i]), false,
                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
}

/* Those that the kernel did not take. */
static void take_back(struct aio_context *context, long count, struct iocb **requests)
{
    aio_context_lock_ring(context);
    for (long i = 0; i < count; i++) {
        struct crossing *crossing =
            find_crossing(&context->ferry, (uint64_t) (uintptr_t) requests[i]);
        if (crossing != NULL && crossing->event_descriptor >= 0) {
            REAL(syscall)(SYS_close, crossing->event_descriptor);
        }
    }
    aio_context_unlock_ring(context);
}

/* The engine's lock is not for those who find them running: its owner may be waiting for a broker. */
static int start_threads(struct aio_context *context)
{
    if (atomic_load(&context->ferry.runs)) {
        return 0;
    }
    aio_engine_lock(&context->engine);
    int error = aio_courier_start(context, COURIER_DELIVERS);
    if (error == 0) {
        error = aio_ferry_start(context);
    }
    aio_engine_unlock(&context->engine);
    return error;
}

static long submit_batch(struct aio_context *context, aio_context_t id, long count,
                         struct iocb **requests)
{
    struct notice notices[BATCH];
    int error = start_threads(context);
    if (error < 0) {
        return error;
    }
    aio_context_lock_ring(context);
    long prepared = prepare(&context->ferry, count, requests, notices);
    aio_context_unlock_ring(context);
    if (prepared < 0) {
        return prepared;
    }
    if (prepared == 0) {
        return REAL(io_submit)(id, 1, requests);
    }
    long result = REAL(io_submit)(id, prepared, requests);
    restore(&context->ferry, prepared, requests, notices);
    long taken = result > 0 ? result : 0;
    take_back(context, prepared - taken, requests + taken);
    return result;
}

long aio_ferry_submit(struct aio_context *context, aio_context_t id, long count,
                      struct iocb **requests)
{
    if (!atomic_load_explicit(&context->has_kernel_requests, memory_order_relaxed)) {
        atomic_store(&context->has_kernel_requests, true);
    }
    atomic_fetch_add(&context->submitted, (uint32_t) count); /* before the look: tie_queue */
    if (atomic_load(&context->engine.queue) == NULL) {
        long result = REAL(io_submit)(id, count, requests);
        atomic_fetch_sub(&context->submitted, (uint32_t) (count - (result > 0 ? result : 0)));
        return result;
    }
    atomic_fetch_sub(&context->submitted, (uint32_t) count);
    long done = 0;
    while (done < count) {
        long batch = count - done < BATCH ? count - done : BATCH;
        long result = submit_batch(context, id, batch, requests + done);
        if (result < 0) {
            return done > 0 ? done : result;
        }
        done += result;
        if (result == 0) {
            break;
        }
    }
    return done;
}

void aio_ferry_wake(struct aio_context *context)
{
    uint64_t one = 1;
    if (context->ferry.event_descriptor > 0) {
        REAL(syscall)(SYS_write, context->ferry.event_descriptor, &one, sizeof one);
    }
}

void aio_ferry_join(struct aio_context *context)
{
    if (atomic_load(&context->ferry.runs)) {
        pthread_join(context->ferry.thread, NULL);
    }
}

void aio_ferry_end(struct aio_context *context)
{
    struct ferry *ferry = &context->ferry;
    while (ferry->crossings != NULL) {
        struct crossing *crossing = find_crossing(ferry, ferry->crossings->object);
        if (crossing->event_descriptor >= 0) {
            aio_event_signal(crossing->event_descriptor);
        }
    }
    while (ferry->free != NULL) {
        struct crossing *crossing = ferry->free;
        ferry->free = crossing->next;
        free(crossing);
    }
    if (ferry->event_descriptor > 0) {
        descriptor_drop(ferry->event_descriptor);
        ferry->event_descriptor = 0;
    }
}
