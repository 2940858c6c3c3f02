#include "aio_context.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <org_rbdwrapper_ipc_codec/ioOp.h>

#include "descriptor.h"
#include "futex.h"
#include "image.h"
#include "real.h"
#include "rbdw_protocol.h"
#include "report.h"

#define MAX_CONTEXTS 1024 /* a power of two */
#define MAX_KICKS 64
#define COURIER_STACK (256 * 1024)

/* An image's states. */
enum { IMAGE_FREE, IMAGE_OPEN, IMAGE_ENDED };

static struct aio_context contexts[MAX_CONTEXTS];
static _Atomic uint32_t longest_search; /* no context is farther from where its search begins */
static _Atomic uint32_t queues;         /* of all contexts */

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
    atomic_store(&queues, 0);
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
        atomic_store(&context->image_ended, false);
        context->limit = limit_of(limit);
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
    struct queue *queue = atomic_load(&context->queue);
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
    struct queue *queue;
    int error = prepare_kicks();
    if (error < 0) {
        return error;
    }
    error = queue_create(context->limit / 2, &queue);
    if (error < 0) {
        report_line("asynchronous I/O: %s", rbdw_error_text());
        return error;
    }
    atomic_fetch_add(&queues, 1);
    atomic_store(&context->queue, queue);
    send_kicks(context); /* for those who went to sleep when there was none */
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
    aio_context_lock(context);
    if (atomic_load(&context->ending) != 0) {
        error = -EINVAL;
    } else if (atomic_load(&context->queue) == NULL) {
        error = tie_queue(context);
    }
    if (error == 0 && atomic_load(&context->has_kernel_requests)) {
        error = aio_context_start_courier(context);
    }
    aio_context_unlock(context);
    if (error < 0) {
        aio_context_leave(context);
        return error;
    }
    *entered = context;
    return 0;
}

/* Images: the list is only ever added to, by who has the lock, and may be looked at by anybody. */

static struct aio_image *find_image(struct aio_context *context, const struct open_file *file,
                                    uint32_t state)
{
    struct aio_image *image = atomic_load(&context->images);
    while (image != NULL
           && (atomic_load(&image->state) != state
               || (file != NULL && atomic_load(&image->file) != file))) {
        image = atomic_load(&image->next);
    }
    return image;
}

/* The path may lead to another image by now than when the file was opened. */
static int open_image(struct aio_context *context, struct open_file *file, uint32_t *handle)
{
    struct queue *queue = atomic_load(&context->queue);
    rbdw_file *opened;
    struct image_stat stat;
    uint32_t mapping_id;
    int access_mode = (int) atomic_load(&file->state->flags) & O_ACCMODE;
    int error = open_file_image(file, &opened);
    if (error == 0) {
        error = image_stat_file(opened, &stat);
    }
    if (error == 0) {
        error = queue_open(queue, file->state->image, access_mode, handle, &mapping_id);
    }
    if (error == 0 && mapping_id != stat.mapping_id) {
        queue_close(queue, *handle);
        return -ESTALE;
    }
    return error;
}

int aio_context_open(struct aio_context *context, struct open_file *file, uint32_t *handle)
{
    struct aio_image *image = find_image(context, file, IMAGE_OPEN);
    if (image != NULL) {
        *handle = image->handle;
        return 0;
    }
    int error = open_image(context, file, handle);
    if (error < 0) {
        report_line("asynchronous I/O on %s: %s", file->state->path, rbdw_error_text());
        return error;
    }
    image = find_image(context, NULL, IMAGE_FREE);
    if (image == NULL) {
        image = calloc(1, sizeof *image);
        if (image == NULL) {
            queue_close(atomic_load(&context->queue), *handle);
            return -ENOMEM;
        }
        atomic_store(&image->next, atomic_load(&context->images));
        atomic_store(&context->images, image);
    }
    image->handle = *handle;
    atomic_store(&image->file, file);
    atomic_store(&image->state, IMAGE_OPEN);
    return 0;
}

static void close_ended_images(struct aio_context *context)
{
    struct aio_image *image;
    atomic_store(&context->image_ended, false);
    while ((image = find_image(context, NULL, IMAGE_ENDED)) != NULL) {
        queue_close(atomic_load(&context->queue), image->handle);
        atomic_store(&image->file, NULL);
        atomic_store(&image->state, IMAGE_FREE);
    }
}

void aio_context_lock(struct aio_context *context)
{
    pthread_mutex_lock(&context->lock);
}

/* Whoever ends a file while another thread has the lock leaves it to that one:
 *   end of a file: image_ended = 1 | try to lock
 *   unlock:        unlock          | read image_ended, and try to lock where it is 1 */
void aio_context_unlock(struct aio_context *context)
{
    do {
        if (atomic_load(&context->image_ended)) {
            close_ended_images(context);
        }
        pthread_mutex_unlock(&context->lock);
        atomic_thread_fence(memory_order_seq_cst);
    } while (atomic_load(&context->image_ended) && pthread_mutex_trylock(&context->lock) == 0);
}

static void end_file_in(struct aio_context *context, const struct open_file *file)
{
    struct aio_image *image = find_image(context, file, IMAGE_OPEN);
    if (image != NULL) {
        atomic_store(&image->state, IMAGE_ENDED);
        atomic_store(&context->image_ended, true);
        if (pthread_mutex_trylock(&context->lock) == 0) {
            aio_context_unlock(context);
        }
    }
}

void aio_on_file_ended(struct open_file *file)
{
    if (atomic_load_explicit(&queues, memory_order_relaxed) == 0) {
        return;
    }
    for (int i = 0; i < MAX_CONTEXTS; i++) {
        aio_context_t id = atomic_load(&contexts[i].id);
        struct aio_context *context = id == 0 ? NULL : aio_context_enter(id);
        if (context != NULL) {
            end_file_in(context, file);
            aio_context_leave(context);
        }
    }
}

struct aio_request *aio_request_take(struct aio_context *context)
{
    struct aio_request *request = context->free;
    if (context->requests >= context->limit) {
        return NULL;
    }
    if (request != NULL) {
        context->free = request->next;
    } else if ((request = malloc(sizeof *request)) == NULL) {
        return NULL;
    }
    context->requests++;
    request->file = NULL;
    request->vector = request->own_vector;
    request->event_descriptor = -1;
    request->then_flush = false;
    return request;
}

static void let_go(struct aio_request *request)
{
    if (request->vector != request->own_vector) {
        free(request->vector);
        request->vector = request->own_vector;
    }
    if (request->event_descriptor >= 0) {
        REAL(syscall)(SYS_close, request->event_descriptor);
        request->event_descriptor = -1;
    }
    if (request->file != NULL) {
        open_file_release(request->file);
        request->file = NULL;
    }
}

void aio_request_give_back(struct aio_context *context, struct aio_request *request)
{
    let_go(request);
    request->next = context->free;
    context->free = request;
    context->requests--;
}

/* False where it goes on: the write is done, and is to be flushed. */
static bool is_complete(struct queue *queue, struct aio_request *request)
{
    struct queue_request *queued = &request->queued;
    if (queued->op == SBE(ioOp_FLUSH) && request->then_flush) {
        queued->result = queued->result < 0 ? queued->result : request->written;
    } else if (request->then_flush && queued->result > 0) {
        request->written = queued->result;
        queued->op = SBE(ioOp_FLUSH);
        queue_add(queue, queued);
        queue_start(queue);
        return false;
    }
    return true;
}

/* Takes what is done out of the queue. */
static bool collect(struct aio_context *context)
{
    struct queue *queue = atomic_load(&context->queue);
    struct queue_request *queued;
    bool any = false;
    while ((queued = queue_reap(queue)) != NULL) {
        struct aio_request *request = (struct aio_request *) queued;
        if (!is_complete(queue, request)) {
            continue;
        }
        report_bytes(CALL_io_submit, queued->result);
        if (request->event_descriptor >= 0) {
            uint64_t one = 1;
            REAL(syscall)(SYS_write, request->event_descriptor, &one, sizeof one);
        }
        let_go(request);
        request->next = NULL;
        *context->completed_end = request;
        context->completed_end = &request->next;
        any = true;
    }
    return any;
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
    struct queue *queue = atomic_load(&context->queue);
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
    struct queue *queue = atomic_load(&context->queue);
    while (atomic_load(&context->ending) == 0) {
        aio_context_lock(context);
        deliver(context);
        uint32_t work = atomic_load(&context->work);
        struct queue_sight sight = queue_look(queue);
        bool is_idle = queue_length(queue) == 0;
        aio_context_unlock(context);
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
    queue_wake(atomic_load(&context->queue)); /* who sleeps there is to sleep in the kernel */
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
    aio_context_lock(context);
    bool first = atomic_compare_exchange_strong(&context->ending, &no, 1);
    struct queue *queue = atomic_load(&context->queue);
    if (first && queue != NULL) {
        queue_wake(queue);
        atomic_fetch_add(&context->work, 1);
        futex_wake(&context->work, 1, FUTEX_PRIVATE);
    }
    aio_context_unlock(context);
    if (first) {
        atomic_store(&context->id, 0); /* the kernel may give the number to another context */
    }
    return first;
}

static void drain(struct aio_context *context, struct queue *queue)
{
    struct aio_request *request;
    while (queue_length(queue) > 0 || context->completed != NULL) {
        while ((request = aio_context_take(context)) != NULL) {
            aio_request_give_back(context, request);
        }
        if (queue_length(queue) > 0) {
            queue_await(queue, queue_look(queue), INT64_MAX, true);
        }
    }
}

void aio_context_end(struct aio_context *context)
{
    struct queue *queue = atomic_load(&context->queue);
    if (atomic_load(&context->has_courier)) {
        pthread_join(context->courier, NULL);
    }
    while (atomic_load(&context->users) > 1) {
        sched_yield(); /* they have been woken and find it ending */
    }
    if (queue == NULL) {
        return;
    }
    drain(context, queue);
    for (struct aio_image *image = atomic_load(&context->images); image != NULL;
         image = atomic_load(&image->next)) {
        atomic_store(&image->state, IMAGE_FREE); /* the session's end closes them */
    }
    atomic_store(&context->queue, NULL);
    atomic_fetch_sub(&queues, 1);
    queue_destroy(queue);
}
