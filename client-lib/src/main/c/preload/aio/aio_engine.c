#include "aio_engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <org_rbdwrapper_ipc_codec/ioOp.h>

#include "futex.h"
#include "held.h"
#include "image.h"
#include "real.h"
#include "rbdw_protocol.h"
#include "report.h"
#include "succession.h"
#include "user_copy.h"

enum { IMAGE_FREE, IMAGE_OPENING, IMAGE_OPEN, IMAGE_ENDED };

struct aio_image {
    _Atomic(struct aio_image *) next;
    _Atomic(struct open_file *) file;
    _Atomic uint32_t state;
    uint32_t handle;
};

static pthread_mutex_t becoming_known = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct aio_engine *) engines; /* all that ever had a queue */

/* The list of images is only ever added to, by who has the lock, and may be looked at by anybody. */
static struct aio_image *find_image(struct aio_engine *engine, const struct open_file *file,
                                    uint32_t state)
{
    struct aio_image *image = atomic_load(&engine->images);
    while (image != NULL
           && (atomic_load(&image->state) != state
               || (file != NULL && atomic_load(&image->file) != file))) {
        image = atomic_load(&image->next);
    }
    return image;
}

/* Takes an image whose file has ended out of the list; the store is then to be asked without the lock. False where
 * there is none to ask for. */
static bool take_ended_image(struct aio_engine *engine, struct queue_closing *closing)
{
    if (!atomic_load(&engine->image_ended)) {
        return false;
    }
    struct queue *queue = atomic_load(&engine->queue);
    atomic_store(&engine->image_ended, false);
    struct aio_image *image = find_image(engine, NULL, IMAGE_ENDED);
    if (image == NULL) {
        return false;
    }
    bool is_open = queue != NULL && queue_close_begin(queue, image->handle, closing);
    atomic_store(&image->file, NULL);
    atomic_store(&image->state, IMAGE_FREE);
    atomic_store(&engine->image_ended, true); /* there may be more */
    return is_open;
}

static bool try_lock(struct aio_engine *engine)
{
    held_begin();
    if (pthread_mutex_trylock(&engine->lock) == 0) {
        return true;
    }
    held_end();
    return false;
}

void aio_engine_lock(struct aio_engine *engine)
{
    held_begin();
    if (pthread_mutex_trylock(&engine->lock) != 0) {
        held_let_end();
        pthread_mutex_lock(&engine->lock);
    }
}

/* Whoever ends a file while another thread has the lock leaves it to that one:
 *   end of a file: image_ended = 1 | try to lock
 *   unlock:        unlock          | read image_ended, and try to lock where it is 1
 * The store may take long to close an image, and is asked without the lock. */
void aio_engine_unlock(struct aio_engine *engine)
{
    do {
        struct queue_closing closing;
        bool closes = take_ended_image(engine, &closing);
        pthread_mutex_unlock(&engine->lock);
        if (closes) {
            queue_close_ask(&closing);
        }
        held_end();
        atomic_thread_fence(memory_order_seq_cst);
    } while (atomic_load(&engine->image_ended) && try_lock(engine));
}

void aio_on_file_ended(const struct open_file *file)
{
    for (struct aio_engine *engine = atomic_load_explicit(&engines, memory_order_acquire);
         engine != NULL; engine = engine->next) {
        struct aio_image *image = find_image(engine, file, IMAGE_OPEN);
        if (image != NULL) {
            atomic_store(&image->state, IMAGE_ENDED);
            atomic_store(&engine->image_ended, true);
            if (try_lock(engine)) {
                aio_engine_unlock(engine);
            }
        }
    }
}

/* In a child, where whoever has engines makes them anew. */
static void forget_parents_engines(void)
{
    pthread_mutex_init(&becoming_known, NULL);
    atomic_store(&engines, NULL);
}

/* At once: a fork beside the first engine that becomes known would leave the lock to the child. */
__attribute__((constructor)) static void watch_forks(void)
{
    int error = errno;
    pthread_atfork(NULL, NULL, forget_parents_engines);
    errno = error;
}

/* A thread waits until all have made their requests again: those of ours that nobody looks after. Who
 * has an engine's lock looks after it. */
static void engines_come_back(void)
{
    for (struct aio_engine *engine = atomic_load_explicit(&engines, memory_order_acquire);
         engine != NULL; engine = engine->next) {
        if (try_lock(engine)) {
            struct queue *queue = atomic_load(&engine->queue);
            if (queue != NULL && queue_is_ours(queue) && !queue_is_alive(queue)) {
                queue_come_back(queue); /* an error is there again at its next request */
            }
            aio_engine_unlock(engine);
        }
    }
}

static void become_known(struct aio_engine *engine)
{
    succession_watch_others(engines_come_back);
    pthread_mutex_lock(&becoming_known);
    if (!engine->is_known) {
        engine->is_known = true;
        engine->next = atomic_load(&engines);
        atomic_store(&engines, engine);
    }
    pthread_mutex_unlock(&becoming_known);
}

int aio_engine_prepare(uint32_t depth, struct queue **queue)
{
    int error = queue_create(depth, queue);
    if (error < 0) {
        report_line("asynchronous I/O: %s", rbdw_error_text());
    }
    return error;
}

void aio_engine_use(struct aio_engine *engine, struct queue *queue)
{
    become_known(engine);
    atomic_store(&engine->queue, queue);
}

int aio_engine_begin(struct aio_engine *engine, uint32_t depth)
{
    struct queue *queue;
    int error = aio_engine_prepare(depth, &queue);
    if (error == 0) {
        aio_engine_use(engine, queue);
    }
    return error;
}

static void forget_images(struct aio_engine *engine)
{
    for (struct aio_image *image = atomic_load(&engine->images); image != NULL;
         image = atomic_load(&image->next)) {
        atomic_store(&image->file, NULL);
        atomic_store(&image->state, IMAGE_FREE);
    }
}

static struct aio_image *free_image(struct aio_engine *engine)
{
    struct aio_image *image = find_image(engine, NULL, IMAGE_FREE);
    if (image == NULL && (image = calloc(1, sizeof *image)) != NULL) {
        atomic_store(&image->next, atomic_load(&engine->images));
        atomic_store(&engine->images, image);
    }
    return image;
}

bool aio_engine_has_open(struct aio_engine *engine, const struct open_file *file)
{
    return find_image(engine, file, IMAGE_OPEN) != NULL;
}

/* Under the lock, which is given back while the store is asked. */
static int open_image(struct aio_engine *engine, struct aio_image *image, rbdw_file *file)
{
    struct queue_opening opening = {0};
    int error;
    do {
        error = queue_open_begin(atomic_load(&engine->queue), file, &opening);
        if (error == 0) {
            aio_engine_unlock(engine);
            error = queue_open_ask(file, &opening);
            aio_engine_lock(engine);
            error = queue_open_end(atomic_load(&engine->queue), &opening, error);
        }
    } while (error == -EAGAIN);
    image->handle = opening.handle;
    return error;
}

/* Under the lock: another thread opens it already. False where none does. */
static bool await_other(struct aio_engine *engine, const struct open_file *file)
{
    uint32_t seen = atomic_load(&engine->opened);
    if (find_image(engine, file, IMAGE_OPENING) == NULL) {
        return false;
    }
    aio_engine_unlock(engine);
    held_let_end();
    futex_wait(&engine->opened, seen, INT64_MAX, FUTEX_PRIVATE);
    aio_engine_lock(engine);
    return true;
}

static int open_for(struct aio_engine *engine, struct open_file *file, rbdw_file *opened)
{
    while (await_other(engine, file)) {
    }
    if (aio_engine_has_open(engine, file)) {
        return 0;
    }
    struct aio_image *image = free_image(engine);
    if (image == NULL) {
        return -ENOMEM;
    }
    atomic_store(&image->file, file);
    atomic_store(&image->state, IMAGE_OPENING);
    int error = open_image(engine, image, opened);
    if (error < 0) {
        report_line("asynchronous I/O on %s: %s", file->state->path, rbdw_error_text());
        atomic_store(&image->file, NULL);
    }
    atomic_store(&image->state, error < 0 ? IMAGE_FREE : IMAGE_OPEN);
    atomic_fetch_add(&engine->opened, 1);
    futex_wake(&engine->opened, INT32_MAX, FUTEX_PRIVATE);
    return error;
}

int aio_engine_open(struct aio_engine *engine, struct open_file *file)
{
    held_begin(); /* who left it midway would leave others waiting */
    rbdw_file *opened;
    int error = open_file_image(file, &opened);
    if (error == 0) {
        aio_engine_lock(engine);
        error = open_for(engine, file, opened);
        aio_engine_unlock(engine);
    }
    held_end();
    return error;
}

struct aio_request *aio_request_take(struct aio_engine *engine, struct open_file *file,
                                     enum call call)
{
    struct aio_request *request = engine->free;
    if (engine->requests >= engine->limit) {
        request = NULL;
    } else if (request != NULL) {
        engine->free = request->next;
    } else {
        request = malloc(sizeof *request);
    }
    if (request == NULL) {
        open_file_release(file);
        return NULL;
    }
    engine->requests++;
    open_file_disown(file);
    request->file = file;
    const struct aio_image *image = find_image(engine, file, IMAGE_OPEN);
    request->has_image = image != NULL;
    request->queued.handle = image != NULL ? image->handle : 0;
    request->vector = request->own_vector;
    request->event_descriptor = -1;
    request->call = call;
    request->is_held = false;
    request->then_flush = false;
    return request;
}

static void let_go(struct aio_request *request)
{
    if (request->vector != request->own_vector) {
        free(request->vector);
        request->vector = request->own_vector;
    }
    if (request->file != NULL) {
        open_file_release(request->file);
        request->file = NULL;
    }
}

void aio_request_give_back(struct aio_engine *engine, struct aio_request *request)
{
    let_go(request);
    if (request->event_descriptor >= 0) {
        REAL(syscall)(SYS_close, request->event_descriptor);
        request->event_descriptor = -1;
    }
    request->next = engine->free;
    engine->free = request;
    engine->requests--;
}

int aio_request_set_vector(struct aio_request *request, const struct iovec *vector, size_t count)
{
    if (count > AIO_INLINE_VECTOR) {
        struct iovec *copy = malloc(count * sizeof *copy);
        if (copy == NULL) {
            return -ENOMEM;
        }
        request->vector = copy;
    }
    return user_copy_all(request->vector, vector, count * sizeof *vector);
}

void aio_request_set_transfer(struct aio_request *request, bool is_write, size_t length,
                              off_t offset)
{
    struct queue_request *queued = &request->queued;
    int64_t left = open_file_locate(request->file, is_write, length, &offset);
    if (left > INT64_MAX - offset) {
        left = INT64_MAX - offset; /* no image reaches there */
    }
    queued->op = is_write ? SBE(ioOp_WRITE) : SBE(ioOp_READ);
    queued->vector = request->vector;
    queued->position = offset;
    queued->length = left < 0 ? 0 : (uint64_t) left;
    queued->result = left; /* where it is 0 or an error, that is all */
    if (is_write && open_file_writes_through(request->file)) {
        request->then_flush = true;
    }
}

void aio_request_set_flush(struct aio_request *request)
{
    request->queued.op = SBE(ioOp_FLUSH);
    request->queued.position = 0;
    request->queued.length = 0;
    request->queued.result = 1;
}

void aio_engine_add(struct aio_engine *engine, struct aio_request *request)
{
    struct queue *queue = atomic_load(&engine->queue);
    if (!request->has_image && request->queued.result > 0) {
        request->queued.result = -EBADF; /* its iocb was changed while we looked at it */
    }
    if (request->queued.result <= 0) {
        queue_add_done(queue, &request->queued);
    } else {
        queue_add(queue, &request->queued);
    }
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

struct aio_request *aio_engine_reap(struct aio_engine *engine)
{
    struct queue *queue = atomic_load(&engine->queue);
    struct queue_request *queued;
    while ((queued = queue_reap(queue)) != NULL) {
        struct aio_request *request = (struct aio_request *) queued;
        if (is_complete(queue, request)) {
            report_bytes(request->call, queued->result);
            let_go(request);
            return request;
        }
    }
    return NULL;
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

int aio_event_descriptor(const struct iocb *iocb, int *duplicate)
{
    *duplicate = -1;
    if ((iocb->aio_flags & IOCB_FLAG_RESFD) == 0) {
        return 0;
    }
    int copy = REAL(fcntl)((int) iocb->aio_resfd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) {
        return -errno;
    }
    if (!is_eventfd(copy)) {
        REAL(syscall)(SYS_close, copy);
        return -EINVAL;
    }
    *duplicate = copy;
    return 0;
}

void aio_event_signal(int event_descriptor)
{
    uint64_t one = 1;
    REAL(syscall)(SYS_write, event_descriptor, &one, sizeof one);
    REAL(syscall)(SYS_close, event_descriptor);
}

void aio_request_signal(struct aio_request *request)
{
    if (request->event_descriptor >= 0) {
        aio_event_signal(request->event_descriptor);
        request->event_descriptor = -1;
    }
}

void aio_engine_end(struct aio_engine *engine)
{
    struct queue *queue = atomic_load(&engine->queue);
    struct aio_request *request;
    if (queue_length(queue) > 0) {
        queue_start(queue); /* which waits for a broker where there is none */
    }
    while (queue_length(queue) > 0) {
        while ((request = aio_engine_reap(engine)) != NULL) {
            aio_request_signal(request);
            aio_request_give_back(engine, request);
        }
        if (queue_length(queue) > 0) {
            queue_await(queue, queue_look(queue), INT64_MAX, true);
        }
    }
    atomic_store(&engine->queue, NULL);
    forget_images(engine); /* the session's end closes them */
    queue_destroy(queue);
}
