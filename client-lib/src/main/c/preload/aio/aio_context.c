#include "aio_context.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "aio_courier.h"
#include "aio_ferry.h"
#include "descriptor.h"
#include "futex.h"
#include "held.h"
#include "real.h"
#include "report.h"

#define MAX_CONTEXTS 1024 /* a power of two */
#define MAX_KICKS 64
#define LOOK_AT_USERS_NS INT64_C(1000000)
#define STACK (256 * 1024)

static struct aio_context contexts[MAX_CONTEXTS];
static _Atomic uint32_t longest_search; /* no context is farther from where its search begins */

static pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER; /* one thread at a time */
static atomic_bool is_used;

/* What a kick asks of the kernel: to read nothing. */
static struct iocb kick;
static int kick_descriptor = -1;

static uint32_t search_begins(aio_context_t id)
{
    return (uint32_t) ((id >> 12) * UINT64_C(0x9e3779b97f4a7c15) >> 32); /* an address of pages */
}

static struct aio_context *find(aio_context_t id)
{
    uint32_t first = search_begins(id);
    uint32_t length = atomic_load_explicit(&longest_search, memory_order_acquire);
    for (uint32_t i = 0; i < length; i++) {
        struct aio_context *context = &contexts[(first + i) % MAX_CONTEXTS];
        if (atomic_load_explicit(&context->id, memory_order_acquire) == id) {
            return context;
        }
    }
    return NULL;
}

/* A child has none of its parent's contexts, and no thread of ours; they may have had a lock at the time. */
static void forget_parents_contexts(void)
{
    if (!atomic_load(&is_used)) {
        return; /* no page of the table is touched */
    }
    for (uint32_t i = 0; i < MAX_CONTEXTS; i++) {
        int event_descriptor = contexts[i].ferry.event_descriptor;
        if (event_descriptor > 0) {
            descriptor_drop(event_descriptor);
        }
    }
    memset(contexts, 0, sizeof contexts); /* what they refer to stays: it may have been changing */
    atomic_store(&longest_search, 0);
    pthread_mutex_init(&adding, NULL);
}

/* At once: a fork beside the first context would leave the lock to the child. */
__attribute__((constructor)) static void watch_forks(void)
{
    int error = errno;
    pthread_atfork(NULL, NULL, forget_parents_contexts);
    errno = error;
}

static struct aio_context *claim_slot(aio_context_t id)
{
    uint32_t first = search_begins(id);
    for (uint32_t i = 0; i < MAX_CONTEXTS; i++) {
        struct aio_context *context = &contexts[(first + i) % MAX_CONTEXTS];
        if (atomic_load(&context->id) == 0 && atomic_load(&context->users) == 0) {
            if (i >= atomic_load(&longest_search)) {
                atomic_store(&longest_search, i + 1);
            }
            return context;
        }
    }
    return NULL;
}

/* As the kernel counts them, more or less: at least so many, and twice that. */
static uint32_t limit_of(uint32_t wanted)
{
    uint32_t least = 4 * (uint32_t) sysconf(_SC_NPROCESSORS_CONF);
    return 2 * (wanted > least ? wanted : least);
}

void aio_context_add(aio_context_t id, uint32_t limit)
{
    atomic_store(&is_used, true);
    pthread_mutex_lock(&adding);
    struct aio_context *context = find(id) == NULL ? claim_slot(id) : NULL;
    if (context != NULL) {
        atomic_store(&context->ending, 0);
        atomic_store(&context->has_kernel_requests, false);
        atomic_store(&context->was_kicked, false);
        atomic_store(&context->submitted, 0);
        atomic_store(&context->calls, 0);
        context->courier = (struct courier) {0};
        context->ferry = (struct ferry) {0};
        context->reserved = 0;
        context->engine.limit = limit_of(limit);
        atomic_store(&context->id, id);
    }
    pthread_mutex_unlock(&adding);
}

void aio_context_leave(struct aio_context *context)
{
    atomic_fetch_sub(&context->users, 1);
}

struct aio_context *aio_context_enter(aio_context_t id)
{
    struct aio_context *context = id == 0 ? NULL : find(id);
    if (context == NULL) {
        return NULL;
    }
    atomic_fetch_add(&context->users, 1);
    struct queue *queue = atomic_load(&context->engine.queue);
    if (atomic_load(&context->id) != id || (queue != NULL && !queue_is_ours(queue))) {
        aio_context_leave(context);
        return NULL;
    }
    return context;
}

void aio_context_send_kicks(struct aio_context *context)
{
    uint32_t count = atomic_load(&context->kernel_sleepers);
    struct iocb *kicks[MAX_KICKS];
    if (count == 0 || kick_descriptor < 0) {
        return;
    }
    if (count > MAX_KICKS) {
        count = MAX_KICKS;
    }
    for (uint32_t i = 0; i < count; i++) {
        kicks[i] = &kick;
    }
    atomic_store(&context->was_kicked, true);
    REAL(syscall)(SYS_io_submit, atomic_load(&context->id), (long) count, kicks);
}

/* Once a process: in a child the descriptor is still good. */
static int prepare_kicks(void)
{
    pthread_mutex_lock(&adding);
    if (kick_descriptor < 0) {
        int made = (int) REAL(syscall)(SYS_memfd_create, "rbdwrapper-kick", 1U /* MFD_CLOEXEC */);
        if (made < 0) {
            pthread_mutex_unlock(&adding);
            return -errno;
        }
        kick_descriptor = descriptor_keep(made);
        kick.aio_lio_opcode = IOCB_CMD_PREAD;
        kick.aio_fildes = (uint32_t) kick_descriptor;
    }
    pthread_mutex_unlock(&adding);
    return 0;
}

void aio_context_lock_ring(struct aio_context *context)
{
    pthread_mutex_lock(&context->ring_lock);
}

void aio_context_unlock_ring(struct aio_context *context)
{
    pthread_mutex_unlock(&context->ring_lock);
}

/* Under both locks. Who has never called io_getevents reads in memory, if anything, and may be about to take
 * what is there. For the others it stays in the kernel's ring, where a call may be taking it. */
static int put_ring(struct aio_context *context, aio_context_t id)
{
    bool reads_in_memory = atomic_load(&context->calls) == 0;
    uint32_t taken;
    int error = aio_ring_install(&context->ring, id, reads_in_memory, &taken);
    if (error == 0) {
        uint32_t entries = context->ring.entries;
        uint32_t submitted = atomic_load(&context->submitted) % entries;
        context->ferry.foreign = (submitted + entries - taken) % entries;
    }
    return error;
}

static int tie_queue(struct aio_context *context, aio_context_t id)
{
    struct queue *queue = NULL;
    int error = prepare_kicks();
    if (error == 0) {
        error = aio_ring_prepare(&context->ring, id);
    }
    if (error == 0) {
        error = aio_engine_prepare(context->engine.limit / 2, &queue);
    }
    if (error == 0) {
        /* who submits to the kernel: counts, and looks for the queue; here: the queue, and the count */
        aio_context_lock_ring(context);
        aio_engine_use(&context->engine, queue);
        error = put_ring(context, id);
        aio_context_unlock_ring(context);
    }
    if (error < 0) {
        if (queue != NULL) {
            atomic_store(&context->engine.queue, NULL);
            queue_destroy(queue);
        }
        aio_ring_end(&context->ring);
        return error;
    }
    context->engine.limit = context->ring.entries - 1;
    aio_context_send_kicks(context); /* for those who went to sleep when there was none */
    return 0;
}

int aio_context_enter_for_images(aio_context_t id, struct aio_context **entered)
{
    struct aio_context *context = aio_context_enter(id);
    if (context == NULL) {
        if (REAL(syscall)(SYS_io_submit, id, 0L, NULL) < 0) {
            return -errno;
        }
        aio_context_add(id, QUEUE_MAX_DEPTH);
        context = aio_context_enter(id);
    }
    if (context == NULL) {
        return -EAGAIN;
    }
    int error = 0;
    aio_engine_lock(&context->engine);
    if (atomic_load(&context->ending) != 0) {
        error = -EINVAL;
    } else if (atomic_load(&context->engine.queue) == NULL) {
        error = tie_queue(context, id);
    }
    if (error == 0 && atomic_load(&context->has_kernel_requests)) {
        error = aio_courier_start(context, COURIER_DELIVERS);
        if (error == 0) {
            error = aio_ferry_start(context);
        }
    } else if (error == 0) {
        aio_courier_start(context, COURIER_WATCHES); /* without one, io_getevents works all the same */
    }
    aio_engine_unlock(&context->engine);
    if (error < 0) {
        aio_context_leave(context);
        return error;
    }
    *entered = context;
    return 0;
}

int aio_context_start_thread(pthread_t *thread, void *(*run)(void *), struct aio_context *context)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    held_signals(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(thread, &attributes, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return -error;
}

long aio_context_without_kicks(const struct aio_context *context, struct io_event *events,
                               long count)
{
    if (count <= 0 || !atomic_load(&context->was_kicked)) {
        return count;
    }
    long kept = 0;
    for (long i = 0; i < count; i++) {
        if (events[i].obj != (uint64_t) (uintptr_t) &kick) {
            events[kept++] = events[i];
        }
    }
    return kept;
}

bool aio_context_begin_end(struct aio_context *context)
{
    uint32_t no = 0;
    aio_engine_lock(&context->engine);
    bool first = atomic_compare_exchange_strong(&context->ending, &no, 1);
    if (first && atomic_load(&context->engine.queue) != NULL) {
        aio_courier_wake(context);
        aio_ferry_wake(context);
    }
    aio_engine_unlock(&context->engine);
    if (first) {
        aio_courier_join(context); /* neither of them asks the kernel for a number that is another context's */
        aio_ferry_join(context);
        atomic_store(&context->id, 0); /* the kernel may give the number to another context */
    }
    return first;
}

void aio_context_end(struct aio_context *context)
{
    while (atomic_load(&context->users) > 1) {
        futex_pause(LOOK_AT_USERS_NS); /* they have been woken and find it ending; or wait for a store */
    }
    if (atomic_load(&context->engine.queue) != NULL) {
        aio_engine_lock(&context->engine);
        aio_engine_end(&context->engine);
        aio_ring_end(&context->ring);
        aio_ferry_end(context);
        aio_engine_unlock(&context->engine);
    }
}
