/* POSIX' asynchronous I/O: aio_read and its kin. The C library's own threads do their pread inside
 * it, past any hook, so requests on images go to a queue (aio_engine.h), whose answers a thread of
 * ours awaits; all others go to the C library.
 *
 * A request's state stands in its aiocb, in the fields that the C library uses for its own requests:
 * so aio_error and aio_return need no hook. In __policy, which the C library reads of its own requests
 * only and sets anew for each, stands whose it is. */

#include <aio.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "aio_engine.h"
#include "futex.h"
#include "hook.h"

#define OURS 0x72626477
#define MAX_REQUESTS 65536
#define STACK (256 * 1024)
#define SECOND_NS INT64_C(1000000000)
#define MIXED_LOOK_NS 1000000 /* between two looks at requests of the C library and ours */

/* The requests of one lio_listio. */
struct group {
    _Atomic uint32_t left; /* of them, and one for who makes it */
    struct sigevent event;
};

static struct aio_engine engine = {.limit = MAX_REQUESTS};
static _Atomic uint32_t work; /* futex of the courier where nothing is under way */
static _Atomic uint32_t done; /* futex: changes whenever a request is completed */
static bool has_courier;
static bool forks_are_watched;

/* Requests that are not completed, the oldest first. A flush waits in this list until those of its
 * file that came before it are completed. Under the engine's lock. */
static struct aio_request *active;
static struct aio_request **active_end = &active;

static uint32_t held; /* such flushes */

static struct aiocb *block_of(const struct aio_request *request)
{
    return (struct aiocb *) (uintptr_t) request->object;
}

static struct group *group_of(const struct aio_request *request)
{
    return (struct group *) (uintptr_t) request->data;
}

static int error_of(const struct aiocb *block)
{
    return __atomic_load_n(&block->__error_code, __ATOMIC_ACQUIRE);
}

static bool is_ours_under_way(const struct aiocb *block)
{
    return error_of(block) == EINPROGRESS && block->__policy == OURS;
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

/* Notifications. */

struct thread_call {
    void (*function)(union sigval);
    union sigval value;
};

static void *make_call(void *argument)
{
    struct thread_call call = *(struct thread_call *) argument;
    free(argument);
    call.function(call.value);
    return NULL;
}

static void call_in_thread(const struct sigevent *event)
{
    struct thread_call *call = malloc(sizeof *call);
    pthread_t thread;
    pthread_attr_t detached;
    sigset_t none;
    sigset_t before;
    if (call == NULL) {
        report_line("no memory to notify of an asynchronous request");
        return;
    }
    *call = (struct thread_call) {event->sigev_notify_function, event->sigev_value};
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_attr_t *attributes = event->sigev_notify_attributes;
    if (attributes == NULL) {
        attributes = &detached;
    }
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, &before); /* as threads of the C library's requests have it */
    if (pthread_create(&thread, attributes, make_call, call) != 0) {
        report_line("no thread to notify of an asynchronous request");
        free(call);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&detached);
}

static void notify(const struct sigevent *event)
{
    if (event->sigev_notify == SIGEV_SIGNAL) {
        siginfo_t info;
        memset(&info, 0, sizeof info);
        info.si_signo = event->sigev_signo;
        info.si_code = SI_ASYNCIO;
        info.si_pid = getpid();
        info.si_uid = getuid();
        info.si_value = event->sigev_value;
        REAL(syscall)(SYS_rt_sigqueueinfo, getpid(), event->sigev_signo, &info);
    } else if (event->sigev_notify == SIGEV_THREAD) {
        call_in_thread(event);
    }
}

static void leave_group(struct group *group)
{
    if (atomic_fetch_sub(&group->left, 1) == 1) {
        notify(&group->event);
        free(group);
    }
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
static void tell(struct aiocb *block, struct group *group, int64_t result)
{
    struct sigevent event = block->aio_sigevent;
    block->__return_value = result < 0 ? -1 : (ssize_t) result;
    __atomic_store_n(&block->__error_code, result < 0 ? (int) -result : 0, __ATOMIC_SEQ_CST);
    atomic_fetch_add(&done, 1);
    futex_wake(&done, INT32_MAX, FUTEX_PRIVATE);
    notify(&event);
    if (group != NULL) {
        leave_group(group);
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
    struct group *group = group_of(request);
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
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, run_courier, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    has_courier = error == 0;
    return -error;
}

/* Requests. */

static int begin(void)
{
    int error = 0;
    if (!forks_are_watched) {
        forks_are_watched = pthread_atfork(NULL, NULL, forget_parents_requests) == 0;
    }
    if (atomic_load(&engine.queue) == NULL) {
        error = aio_engine_begin(&engine, QUEUE_MAX_DEPTH);
    }
    return error < 0 || has_courier ? error : start_courier();
}

static int prepare_transfer(struct aio_request *request, const struct aiocb *block, bool is_write)
{
    struct iovec one = {(void *) block->aio_buf, block->aio_nbytes};
    bool may = is_write ? open_file_is_writable(request->file)
                        : open_file_is_readable(request->file);
    int error = !may                                                    ? -EBADF
                : block->aio_offset < 0 || block->aio_nbytes > SSIZE_MAX ? -EINVAL
                                                                        : 0;
    if (error == 0) {
        error = aio_engine_open(&engine, request);
    }
    if (error < 0) {
        aio_request_set_flush(request);
        request->queued.result = error; /* that is what aio_error will say */
        return 0;
    }
    error = aio_request_set_vector(request, &one, 1);
    if (error == 0) {
        aio_request_set_transfer(request, is_write, block->aio_nbytes, block->aio_offset);
    }
    return error;
}

static int prepare_flush(struct aio_request *request)
{
    int error = aio_engine_open(&engine, request);
    aio_request_set_flush(request);
    if (error < 0) {
        request->queued.result = error;
    }
    return 0;
}

static void activate(struct aio_request *request, struct aiocb *block, struct group *group)
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

/* call: aio_read, aio_write or aio_fsync. file: the reference becomes the request's. 0 or an error. */
static int submit(struct aiocb *block, enum call call, struct open_file *file, struct group *group)
{
    if (block->aio_reqprio < 0 || block->aio_reqprio > sysconf(_SC_AIO_PRIO_DELTA_MAX)) {
        open_file_release(file);
        return -EINVAL;
    }
    aio_engine_lock(&engine);
    int error = begin();
    struct aio_request *request = NULL;
    if (error < 0) {
        open_file_release(file);
    } else if ((request = aio_request_take(&engine, file, call)) == NULL) {
        error = -EAGAIN;
    } else {
        request->object = (uint64_t) (uintptr_t) block;
        request->data = (uint64_t) (uintptr_t) group;
        error = call == CALL_aio_fsync ? prepare_flush(request)
                                   : prepare_transfer(request, block, call == CALL_aio_write);
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

HOOK int aio_read(struct aiocb *block)
{
    struct open_file *file = descriptor_acquire(block->aio_fildes);
    if (file == NULL) {
        return REAL(aio_read)(block);
    }
    report_count(CALL_aio_read);
    return (int) as_result(submit(block, CALL_aio_read, file, NULL));
}

HOOK int aio_write(struct aiocb *block)
{
    struct open_file *file = descriptor_acquire(block->aio_fildes);
    if (file == NULL) {
        return REAL(aio_write)(block);
    }
    report_count(CALL_aio_write);
    return (int) as_result(submit(block, CALL_aio_write, file, NULL));
}

HOOK int aio_fsync(int op, struct aiocb *block)
{
    struct open_file *file = descriptor_acquire(block->aio_fildes);
    if (file == NULL) {
        return REAL(aio_fsync)(op, block);
    }
    report_count(CALL_aio_fsync);
    if (op != O_SYNC && op != O_DSYNC) {
        open_file_release(file);
        return (int) as_result(-EINVAL);
    }
    return (int) as_result(submit(block, CALL_aio_fsync, file, NULL));
}

HOOK int aio_cancel(int fd, struct aiocb *block)
{
    struct open_file *file = descriptor_acquire(fd);
    if (file == NULL) {
        return REAL(aio_cancel)(fd, block);
    }
    bool any = false;
    if (block == NULL) {
        aio_engine_lock(&engine);
        for (struct aio_request *request = active; request != NULL && !any;
             request = request->next) {
            any = block_of(request)->aio_fildes == fd;
        }
        aio_engine_unlock(&engine);
    } else {
        any = is_ours_under_way(block);
    }
    int result = block != NULL && block->aio_fildes != fd ? -EINVAL
                 : any                                    ? AIO_NOTCANCELED
                                                          : AIO_ALLDONE;
    return (int) leave(file, CALL_aio_cancel, result);
}

/* Waiting. */

static int64_t deadline_of(const struct timespec *timeout)
{
    return timeout == NULL ? INT64_MAX
                           : futex_now_ns() + timeout->tv_sec * SECOND_NS + timeout->tv_nsec;
}

/* Until the word changes from value. 0, -EINTR, or -EAGAIN at the deadline, as aio_suspend has it. */
static int sleep_for(_Atomic uint32_t *word, uint32_t value, int64_t deadline_ns)
{
    struct timespec left = {0, 0};
    if (deadline_ns != INT64_MAX) {
        int64_t ns = deadline_ns - futex_now_ns();
        if (ns <= 0) {
            return -EAGAIN;
        }
        left = (struct timespec) {ns / SECOND_NS, ns % SECOND_NS};
    }
    long result = REAL(syscall)(SYS_futex, word, FUTEX_WAIT | FUTEX_PRIVATE, value,
                                deadline_ns == INT64_MAX ? NULL : &left, NULL, 0);
    return result < 0 && errno == EINTR ? -EINTR : 0;
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
        if (is_ours_under_way(list[i])) {
            ++*ours;
        } else if (error_of(list[i]) == EINPROGRESS) {
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
        uint32_t seen = atomic_load(&done);
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
        result = others == 0 ? sleep_for(&done, seen, deadline_ns)
                             : look_at_others(list, count, deadline_ns);
    }
    errno = error;
    return (int) as_result(result);
}

/* Lists. */

static bool is_of_image(const struct aiocb *block)
{
    return block != NULL && block->aio_lio_opcode != LIO_NOP
           && descriptor_is_image(block->aio_fildes);
}

static int submit_of_list(struct aiocb *block, struct group *group)
{
    struct open_file *file = descriptor_acquire(block->aio_fildes);
    int error = file == NULL ? -EBADF : 0;
    if (block->aio_lio_opcode != LIO_READ && block->aio_lio_opcode != LIO_WRITE) {
        error = -EINVAL;
        if (file != NULL) {
            open_file_release(file);
        }
    }
    if (error == 0) {
        error = submit(block, block->aio_lio_opcode == LIO_READ ? CALL_aio_read : CALL_aio_write, file,
                       group);
    }
    if (error < 0) {
        block->__return_value = -1;
        block->__error_code = -error;
    }
    return error;
}

static int wait_for_list(struct aiocb *const list[], int count)
{
    int failed = 0;
    for (int i = 0; i < count; i++) {
        while (list[i] != NULL && list[i]->aio_lio_opcode != LIO_NOP) {
            uint32_t seen = atomic_load(&done);
            if (!is_ours_under_way(list[i])) {
                failed |= error_of(list[i]) != 0 && error_of(list[i]) != EINPROGRESS;
                break;
            }
            if (sleep_for(&done, seen, INT64_MAX) == -EINTR) {
                return -EINTR;
            }
        }
    }
    return failed ? -EIO : 0;
}

static void on_others_done(union sigval value)
{
    leave_group(value.sival_ptr);
}

/* Those that are no images' go to the C library, which tells the group when all of them are done. */
static int submit_others(struct aiocb *const list[], int count, struct group *group, int mode)
{
    struct aiocb **others = calloc((size_t) count, sizeof *others);
    struct sigevent tell_group = {
        .sigev_notify = SIGEV_THREAD,
        .sigev_notify_function = on_others_done,
        .sigev_value.sival_ptr = group,
    };
    int left = 0;
    if (others == NULL) {
        return -EAGAIN;
    }
    for (int i = 0; i < count; i++) {
        if (list[i] != NULL && list[i]->aio_lio_opcode != LIO_NOP && !is_of_image(list[i])) {
            others[left++] = list[i];
        }
    }
    int error = 0;
    if (left > 0) {
        if (group != NULL) {
            atomic_fetch_add(&group->left, 1);
        }
        if (REAL(lio_listio)(mode, others, left, group == NULL ? NULL : &tell_group) < 0) {
            error = -errno; /* EIO: some may be under way; the group is told all the same */
            if (group != NULL && error != -EIO) {
                atomic_fetch_sub(&group->left, 1);
            }
        }
    }
    free(others);
    return error;
}

static struct group *group_for(const struct sigevent *event)
{
    struct group *group = malloc(sizeof *group);
    if (group != NULL) {
        atomic_init(&group->left, 1);
        group->event = *event;
    }
    return group;
}

HOOK int lio_listio(int mode, struct aiocb *const list[], int count, struct sigevent *event)
{
    int error = 0;
    struct group *group = NULL;
    int of_images = 0;
    for (int i = 0; i < count && of_images == 0; i++) {
        of_images += is_of_image(list[i]);
    }
    if (of_images == 0 || (mode != LIO_WAIT && mode != LIO_NOWAIT)) {
        return REAL(lio_listio)(mode, list, count, event);
    }
    report_count(CALL_lio_listio);
    if (mode == LIO_NOWAIT && event != NULL && event->sigev_notify != SIGEV_NONE) {
        group = group_for(event);
        if (group == NULL) {
            return (int) as_result(-EAGAIN);
        }
    }
    for (int i = 0; i < count; i++) {
        if (is_of_image(list[i]) && submit_of_list(list[i], group) < 0) {
            error = -EIO;
        }
    }
    int of_others = submit_others(list, count, group, mode);
    if (mode == LIO_WAIT) {
        int waited = wait_for_list(list, count);
        error = waited < 0 ? waited : error;
    }
    if (group != NULL) {
        leave_group(group);
    }
    return (int) as_result(error < 0 ? error : of_others);
}

ALIAS(aio_read64, aio_read);
ALIAS(aio_write64, aio_write);
ALIAS(aio_fsync64, aio_fsync);
ALIAS(aio_cancel64, aio_cancel);
ALIAS(aio_suspend64, aio_suspend);
ALIAS(lio_listio64, lio_listio);
