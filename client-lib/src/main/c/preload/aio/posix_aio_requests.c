#include "posix_aio_requests.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "futex.h"
#include "held.h"
#include "hook.h"

#define OURS 0x72626477
#define MAX_REQUESTS 65536
#define STACK (256 * 1024)
#define SECOND_NS INT64_C(1000000000)

_Atomic uint32_t posix_aio_done;

static struct aio_engine engine = {.limit = MAX_REQUESTS};
static _Atomic uint32_t work; /* futex of the courier where nothing is under way */
static bool has_courier;

/* Requests that are not completed, the oldest first. A flush waits in this list until those of its
 * file that came before it are completed. Under the engine's lock. */
static struct aio_request *active;
static struct aio_request **active_end = &active;

static uint32_t held; /* such flushes */

static struct aiocb *block_of(const struct aio_request *request)
{
    return (struct aiocb *) (uintptr_t) request->object;
}

static struct posix_aio_group *group_of(const struct aio_request *request)
{
    return (struct posix_aio_group *) (uintptr_t) request->data;
}

int posix_aio_error_of(const struct aiocb *block)
{
    return __atomic_load_n(&block->__error_code, __ATOMIC_ACQUIRE);
}

bool posix_aio_is_under_way(const struct aiocb *block)
{
    return posix_aio_error_of(block) == EINPROGRESS && block->__policy == OURS;
}

/* In a child there are no requests of its parent's. */
static void forget_parents_requests(void)
{
    memset(&engine, 0, sizeof engine);
    engine.limit = MAX_REQUESTS;
    has_courier = false;
    active = NULL;
    active_end = &active;
    held = 0;
}

/* At once: a fork beside the first request would leave the engine's lock to the child. */
__attribute__((constructor)) static void watch_forks(void)
{
    int error = errno;
    pthread_atfork(NULL, NULL, forget_parents_requests);
    errno = error;
}

/* The courier. */

static void deactivate(struct aio_request *request)
{
    struct aio_request **link = &active;
    while (*link != request) {
        link = &(*link)->next;
    }
    *link = request->next;
    if (active_end == &request->next) {
        active_end = link;
    }
}

static bool has_older_of_its_file(const struct aio_request *request)
{
    const struct aio_request *older = active;
    while (older->file != request->file) {
        older = older->next;
    }
    return older != request;
}

/* Flushes that have waited for no other than those that are completed now. */
static void release_held(void)
{
    for (struct aio_request *request = active; held > 0 && request != NULL;
         request = request->next) {
        if (request->is_held && !has_older_of_its_file(request)) {
            request->is_held = false;
            held--;
            aio_engine_add(&engine, request);
            queue_start(atomic_load(&engine.queue));
        }
    }
}

/* What has become of a request; the aiocb may be gone when its error code is set. */
static void tell(struct aiocb *block, struct posix_aio_group *group, int64_t result)
{
    struct sigevent event = block->aio_sigevent;
    block->__return_value = result < 0 ? -1 : (ssize_t) result;
    __atomic_store_n(&block->__error_code, result < 0 ? (int) -result : 0, __ATOMIC_SEQ_CST);
    atomic_fetch_add(&posix_aio_done, 1);
    futex_wake(&posix_aio_done, INT32_MAX, FUTEX_PRIVATE);
    posix_aio_notify(&event);
    if (group != NULL) {
        posix_aio_leave_group(group);
    }
}

/* False where nothing is completed. Without the lock while it tells. */
static bool complete_one(void)
{
    struct aio_request *request = aio_engine_reap(&engine);
    if (request == NULL) {
        return false;
    }
    struct aiocb *block = block_of(request);
    struct posix_aio_group *group = group_of(request);
    int64_t result = request->queued.result;
    deactivate(request);
    aio_request_give_back(&engine, request);
    release_held();
    aio_engine_unlock(&engine);
    tell(block, group, result);
    aio_engine_lock(&engine);
    return true;
}

static void *run_courier(void *unused)
{
    aio_engine_lock(&engine);
    while (true) {
        while (complete_one()) {
        }
        struct queue *queue = atomic_load(&engine.queue);
        uint32_t seen = atomic_load(&work);
        struct queue_sight sight = queue_look(queue);
        bool is_idle = queue_length(queue) == 0;
        aio_engine_unlock(&engine);
        if (is_idle) {
            futex_wait(&work, seen, 100 * FUTEX_LOOK_NS, FUTEX_PRIVATE);
        } else {
            queue_await(queue, sight, INT64_MAX, true);
        }
        aio_engine_lock(&engine);
    }
    return unused;
}

static int start_courier(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    held_signals(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, run_courier, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    has_courier = error == 0;
    return -error;
}

/* Submission. */

static int begin(void)
{
    int error = 0;
    if (atomic_load(&engine.queue) == NULL) {
        error = aio_engine_begin(&engine, QUEUE_MAX_DEPTH);
    }
    return error < 0 || has_courier ? error : start_courier();
}

static int check_transfer(const struct open_file *file, const struct aiocb *block, bool is_write)
{
    bool may = is_write ? open_file_is_writable(file) : open_file_is_readable(file);
    return !may                                                    ? -EBADF
           : block->aio_offset < 0 || block->aio_nbytes > SSIZE_MAX ? -EINVAL
                                                                   : 0;
}

/* Under the lock, which is given back where the image is not open yet, so that others go on meanwhile. 0, or what
 * aio_error will say. */
static int open_first(struct open_file *file, const struct aiocb *block, enum call call)
{
    int error = call == CALL_aio_fsync ? 0 : check_transfer(file, block, call == CALL_aio_write);
    if (error < 0 || aio_engine_has_open(&engine, file)) {
        return error;
    }
    aio_engine_unlock(&engine);
    error = aio_engine_open(&engine, file);
    aio_engine_lock(&engine);
    return error;
}

/* failure: of open_first. */
static int prepare(struct aio_request *request, const struct aiocb *block, int failure)
{
    struct iovec one = {(void *) block->aio_buf, block->aio_nbytes};
    if (failure < 0 || request->call == CALL_aio_fsync) {
        aio_request_set_flush(request);
        request->queued.result = failure < 0 ? failure : request->queued.result;
        return 0;
    }
    int error = aio_request_set_vector(request, &one, 1);
    if (error == 0) {
        aio_request_set_transfer(request, request->call == CALL_aio_write, block->aio_nbytes, block->aio_offset);
    }
    return error;
}

static void activate(struct aio_request *request, struct aiocb *block,
                     struct posix_aio_group *group)
{
    block->__policy = OURS;
    block->__return_value = 0;
    __atomic_store_n(&block->__error_code, EINPROGRESS, __ATOMIC_RELEASE);
    if (group != NULL) {
        atomic_fetch_add(&group->left, 1);
    }
    request->next = NULL;
    *active_end = request;
    active_end = &request->next;
}

int posix_aio_submit(struct aiocb *block, enum call call, struct open_file *file,
                     struct posix_aio_group *group)
{
    if (block->aio_reqprio < 0 || block->aio_reqprio > sysconf(_SC_AIO_PRIO_DELTA_MAX)) {
        open_file_release(file);
        return -EINVAL;
    }
    aio_engine_lock(&engine);
    int error = begin();
    int failure = error == 0 ? open_first(file, block, call) : 0;
    struct aio_request *request = NULL;
    if (error < 0) {
        open_file_release(file);
    } else if ((request = aio_request_take(&engine, file, call)) == NULL) {
        error = -EAGAIN;
    } else {
        request->object = (uint64_t) (uintptr_t) block;
        request->data = (uint64_t) (uintptr_t) group;
        error = prepare(request, block, failure);
        if (error < 0) {
            aio_request_give_back(&engine, request);
        }
    }
    if (error == 0) {
        activate(request, block, group);
        request->is_held = call == CALL_aio_fsync && has_older_of_its_file(request);
        if (request->is_held) {
            held++;
        } else {
            aio_engine_add(&engine, request);
            queue_start(atomic_load(&engine.queue));
        }
        atomic_fetch_add(&work, 1);
        futex_wake(&work, 1, FUTEX_PRIVATE);
        if (queue_has_done(atomic_load(&engine.queue))) {
            queue_wake(atomic_load(&engine.queue));
        }
    }
    aio_engine_unlock(&engine);
    return error;
}

bool posix_aio_any_under_way(int fd)
{
    bool any = false;
    aio_engine_lock(&engine);
    for (struct aio_request *request = active; request != NULL && !any; request = request->next) {
        any = block_of(request)->aio_fildes == fd;
    }
    aio_engine_unlock(&engine);
    return any;
}

int posix_aio_sleep(uint32_t seen, int64_t deadline_ns)
{
    struct timespec left = {0, 0};
    if (deadline_ns != INT64_MAX) {
        int64_t ns = deadline_ns - futex_now_ns();
        if (ns <= 0) {
            return -EAGAIN;
        }
        left = (struct timespec) {ns / SECOND_NS, ns % SECOND_NS};
    }
    int type; /* the thread has nothing here, and may end wherever it is */
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
    long result = REAL(syscall)(SYS_futex, &posix_aio_done, FUTEX_WAIT | FUTEX_PRIVATE, seen,
                                deadline_ns == INT64_MAX ? NULL : &left, NULL, 0);
    pthread_setcanceltype(type, NULL);
    return result < 0 && errno == EINTR ? -EINTR : 0;
}
