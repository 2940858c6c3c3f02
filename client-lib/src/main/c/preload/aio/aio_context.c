#include "aio_context.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptor.h"
#include "futex.h"
#include "real.h"
#include "report.h"

#define MAX_CONTEXTS 1024 /* a power of two */
#define MAX_KICKS 64
#define COURIER_STACK (256 * 1024)

static struct aio_context contexts[MAX_CONTEXTS];
static _Atomic uint32_t longest_search; /* no context is farther from where its search begins */

static pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER; /* one thread at a time */
static bool forks_are_watched;

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

/* A child has none of its parent's contexts, and no courier; it may have had a lock at the time. */
static void forget_parents_contexts(void)
{
    memset(contexts, 0, sizeof contexts); /* what they refer to stays: it may have been changing */
    atomic_store(&longest_search, 0);
    pthread_mutex_init(&adding, NULL);
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
    pthread_mutex_lock(&adding);
    if (!forks_are_watched) {
        forks_are_watched = pthread_atfork(NULL, NULL, forget_parents_contexts) == 0;
    }
    struct aio_context *context = find(id) == NULL ? claim_slot(id) : NULL;
    if (context != NULL) {
        atomic_store(&context->ending, 0);
        atomic_store(&context->has_kernel_requests, false);
        atomic_store(&context->has_courier, false);
        atomic_store(&context->was_kicked, false);
        context->engine.limit = limit_of(limit);
        context->completed = NULL;
        context->completed_end = &context->completed;
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

/* Under the context's lock. */
static void send_kicks(struct aio_context *context)
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

static int tie_queue(struct aio_context *context)
{
    int error = prepare_kicks();
    if (error == 0) {
        error = aio_engine_begin(&context->engine, context->engine.limit / 2);
    }
    if (error == 0) {
        send_kicks(context); /* for those who went to sleep when there was none */
    }
    return error;
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
        error = tie_queue(context);
    }
    if (error == 0 && atomic_load(&context->has_kernel_requests)) {
        error = aio_context_start_courier(context);
    }
    aio_engine_unlock(&context->engine);
    if (error < 0) {
        aio_context_leave(context);
        return error;
    }
    *entered = context;
    return 0;
}

/* Takes what is done out of the queue. */
static void collect(struct aio_context *context)
{
    struct aio_request *request;
    while ((request = aio_engine_reap(&context->engine)) != NULL) {
        request->next = NULL;
        *context->completed_end = request;
        context->completed_end = &request->next;
    }
}

struct aio_request *aio_context_take(struct aio_context *context)
{
    if (context->completed == NULL) {
        collect(context);
    }
    struct aio_request *request = context->completed;
    if (request != NULL) {
        context->completed = request->next;
        if (context->completed == NULL) {
            context->completed_end = &context->completed;
        }
    }
    return request;
}

/* For the courier, and after a submission, which may have found requests that are done at once. */
static void deliver(struct aio_context *context)
{
    collect(context);
    if (context->completed != NULL) {
        send_kicks(context);
    }
}

void aio_context_start(struct aio_context *context)
{
    struct queue *queue = atomic_load(&context->engine.queue);
    queue_start(queue);
    if (queue_has_done(queue)) {
        deliver(context);
        queue_wake(queue);
    }
    if (atomic_load(&context->has_courier)) {
        atomic_fetch_add(&context->work, 1);
        futex_wake(&context->work, 1, FUTEX_PRIVATE);
    }
}

static void *run_courier(void *argument)
{
    struct aio_context *context = argument;
    struct queue *queue = atomic_load(&context->engine.queue);
    while (atomic_load(&context->ending) == 0) {
        aio_engine_lock(&context->engine);
        deliver(context);
        uint32_t work = atomic_load(&context->work);
        struct queue_sight sight = queue_look(queue);
        bool is_idle = queue_length(queue) == 0;
        aio_engine_unlock(&context->engine);
        if (atomic_load(&context->ending) != 0) {
            break;
        }
        if (is_idle) {
            futex_wait(&context->work, work, FUTEX_LOOK_NS * 40, FUTEX_PRIVATE);
        } else {
            queue_await(queue, sight, INT64_MAX, false);
        }
    }
    return NULL;
}

int aio_context_start_courier(struct aio_context *context)
{
    if (atomic_load(&context->has_courier)) {
        return 0;
    }
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, COURIER_STACK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&context->courier, &attributes, run_courier, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (error != 0) {
        return -error;
    }
    atomic_store(&context->has_courier, true);
    queue_wake(atomic_load(&context->engine.queue)); /* who sleeps there is to sleep in the kernel */
    return 0;
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
    struct queue *queue = atomic_load(&context->engine.queue);
    if (first && queue != NULL) {
        queue_wake(queue);
        atomic_fetch_add(&context->work, 1);
        futex_wake(&context->work, 1, FUTEX_PRIVATE);
    }
    aio_engine_unlock(&context->engine);
    if (first) {
        atomic_store(&context->id, 0); /* the kernel may give the number to another context */
    }
    return first;
}

void aio_context_end(struct aio_context *context)
{
    struct queue *queue = atomic_load(&context->engine.queue);
    if (atomic_load(&context->has_courier)) {
        pthread_join(context->courier, NULL);
    }
    while (atomic_load(&context->users) > 1) {
        sched_yield(); /* they have been woken and find it ending */
    }
    if (queue != NULL) {
        struct aio_request *request;
        aio_engine_lock(&context->engine);
        while ((request = context->completed) != NULL) {
            context->completed = request->next;
            aio_request_give_back(&context->engine, request);
        }
        aio_engine_end(&context->engine);
        aio_engine_unlock(&context->engine);
    }
}
