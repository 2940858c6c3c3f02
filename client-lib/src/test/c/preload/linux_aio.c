/* linux_aio FILE OTHER: what Linux' asynchronous I/O promises, tried on FILE (at least 8 MiB, whose
 * size is kept) and, in the same context, on OTHER, a plain file. It knows nothing of images: run on
 * two plain files it must succeed as well. Prints "ok". */

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MANY 64
#define BLOCK 4096
#define LARGE (3 * 1024 * 1024)

static const char *path;
static const char *other_path;
static int file;
static int other;
static off_t size;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s (errno %d)\n", __func__, __LINE__, #condition,      \
                    errno);                                                                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static int setup(unsigned limit, aio_context_t *context)
{
    *context = 0;
    return (int) syscall(SYS_io_setup, limit, context);
}

static int destroy(aio_context_t context)
{
    return (int) syscall(SYS_io_destroy, context);
}

static int submit(aio_context_t context, long count, struct iocb **requests)
{
    return (int) syscall(SYS_io_submit, context, count, requests);
}

static int submit_one(aio_context_t context, struct iocb *request)
{
    return submit(context, 1, &request);
}

static int get(aio_context_t context, long least, long most, struct io_event *events,
               long milliseconds)
{
    struct timespec timeout = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    return (int) syscall(SYS_io_getevents, context, least, most, events,
                         milliseconds < 0 ? NULL : &timeout);
}

static struct iocb request(int op, int fd, void *buffer, size_t length, off_t offset)
{
    return (struct iocb) {
        .aio_data = (uint64_t) (uintptr_t) buffer ^ 0x55,
        .aio_lio_opcode = (uint16_t) op,
        .aio_fildes = (uint32_t) fd,
        .aio_buf = (uint64_t) (uintptr_t) buffer,
        .aio_nbytes = length,
        .aio_offset = offset,
    };
}

/* Submits it alone and waits; what its event says. */
static int64_t perform(aio_context_t context, struct iocb *one)
{
    struct io_event event;
    CHECK(submit_one(context, one) == 1);
    CHECK(get(context, 1, 1, &event, -1) == 1);
    CHECK(event.obj == (uint64_t) (uintptr_t) one && event.data == one->aio_data);
    CHECK(event.res2 == 0);
    return event.res;
}

static void fill(unsigned char *buffer, size_t length, unsigned seed)
{
    for (size_t i = 0; i < length; i++) {
        seed = seed * 1103515245 + 12345;
        buffer[i] = (unsigned char) (seed >> 16);
    }
}

static void shall_read_what_was_written(void)
{
    static unsigned char out[LARGE];
    static unsigned char in[LARGE];
    size_t lengths[] = {1, 511, BLOCK, 100000, LARGE};
    aio_context_t context;
    CHECK(setup(8, &context) == 0);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t length = lengths[i];
        off_t offset = (off_t) i * 777;
        fill(out, length, (unsigned) i);
        struct iocb write = request(IOCB_CMD_PWRITE, file, out, length, offset);
        struct iocb sync = request(i % 2 ? IOCB_CMD_FSYNC : IOCB_CMD_FDSYNC, file, NULL, 0, 0);
        struct iocb read = request(IOCB_CMD_PREAD, file, in, length, offset);
        memset(in, 0, length);
        CHECK(perform(context, &write) == (int64_t) length);
        CHECK(perform(context, &sync) == 0);
        CHECK(perform(context, &read) == (int64_t) length);
        CHECK(memcmp(in, out, length) == 0);
        CHECK(pread(file, in, length, offset) == (ssize_t) length);
        CHECK(memcmp(in, out, length) == 0);
    }
    CHECK(destroy(context) == 0);
}

static void shall_take_vectors(void)
{
    unsigned char out[50][100];
    unsigned char in[50][100];
    struct iovec from[50];
    struct iovec to[50];
    aio_context_t context;
    CHECK(setup(8, &context) == 0);
    for (int count = 1; count <= 50; count += 7) {
        size_t length = 0;
        fill(&out[0][0], sizeof out, (unsigned) count);
        memset(in, 0, sizeof in);
        for (int i = 0; i < count; i++) {
            from[i] = (struct iovec) {out[i], (size_t) i * 2};
            to[i] = (struct iovec) {in[i], (size_t) i * 2};
            length += (size_t) i * 2;
        }
        struct iocb write = request(IOCB_CMD_PWRITEV, file, from, (size_t) count, 5000);
        struct iocb read = request(IOCB_CMD_PREADV, file, to, (size_t) count, 5000);
        CHECK(perform(context, &write) == (int64_t) length);
        struct iocb *one = &read;
        CHECK(submit(context, 1, &one) == 1);
        memset(to, 0xff, sizeof to); /* the vector may be changed once it is submitted */
        struct io_event event;
        CHECK(get(context, 1, 1, &event, -1) == 1 && event.res == (int64_t) length);
        for (int i = 0; i < count; i++) {
            CHECK(memcmp(in[i], out[i], (size_t) i * 2) == 0);
        }
    }
    CHECK(destroy(context) == 0);
}

static void shall_end_at_the_end(void)
{
    unsigned char buffer[BLOCK] = {0};
    aio_context_t context;
    CHECK(setup(8, &context) == 0);
    struct iocb across = request(IOCB_CMD_PREAD, file, buffer, BLOCK, size - 100);
    struct iocb at = request(IOCB_CMD_PREAD, file, buffer, BLOCK, size);
    struct iocb nothing = request(IOCB_CMD_PREAD, file, buffer, 0, 0);
    CHECK(perform(context, &across) == 100);
    CHECK(perform(context, &at) == 0);
    CHECK(perform(context, &nothing) == 0);
    CHECK(destroy(context) == 0);
}

static void expect_refused(aio_context_t context, struct iocb bad, int error)
{
    unsigned char buffer[16];
    struct iocb good = request(IOCB_CMD_PREAD, file, buffer, sizeof buffer, 0);
    struct iocb *list[] = {&good, &bad, &good};
    struct io_event events[3];
    errno = 0;
    CHECK(submit_one(context, &bad) == -1 && errno == error);
    CHECK(submit(context, 3, list) == 1);
    CHECK(get(context, 1, 3, events, -1) == 1);
    CHECK(get(context, 0, 3, events, 0) == 0);
}

static void shall_refuse_as_the_kernel(void)
{
    unsigned char buffer[16];
    struct iocb *none = NULL;
    aio_context_t context;
    int read_only = open(path, O_RDONLY);
    int write_only = open(path, O_WRONLY);
    int closed = dup(file);
    int no_event = open("/dev/null", O_RDONLY);
    CHECK(read_only >= 0 && write_only >= 0 && closed >= 0 && close(closed) == 0);
    CHECK(setup(8, &context) == 0);
    expect_refused(context, request(IOCB_CMD_PREAD, closed, buffer, 16, 0), EBADF);
    expect_refused(context, request(IOCB_CMD_PREAD, write_only, buffer, 16, 0), EBADF);
    expect_refused(context, request(IOCB_CMD_PWRITE, read_only, buffer, 16, 0), EBADF);
    expect_refused(context, request(IOCB_CMD_PREAD, file, buffer, 16, -1), EINVAL);
    expect_refused(context, request(IOCB_CMD_PREAD, file, buffer, (size_t) -1, 0), EINVAL);
    expect_refused(context, request(IOCB_CMD_PREADV, file, buffer, 1025, 0), EINVAL);
    expect_refused(context, request(IOCB_CMD_FSYNC, file, buffer, 0, 0), EINVAL);
    expect_refused(context, request(IOCB_CMD_NOOP, file, buffer, 16, 0), EINVAL);
    expect_refused(context, request(99, file, buffer, 16, 0), EINVAL);
    struct iocb flags = request(IOCB_CMD_PREAD, file, buffer, 16, 0);
    flags.aio_rw_flags = 1 << 30;
    expect_refused(context, flags, EOPNOTSUPP);
    struct iocb signals = request(IOCB_CMD_PREAD, file, buffer, 16, 0);
    signals.aio_flags = IOCB_FLAG_RESFD;
    signals.aio_resfd = (uint32_t) no_event;
    expect_refused(context, signals, EINVAL);
    struct iocb good = request(IOCB_CMD_PREAD, file, buffer, 16, 0);
    CHECK(submit_one(context + 4096 * 1024, &good) == -1 && errno == EINVAL);
    CHECK(submit(context, -1, &none) == -1 && errno == EINVAL);
    CHECK(submit(context, 0, &none) == 0);
    struct io_event event;
    CHECK(get(context, 2, 1, &event, 0) == -1 && errno == EINVAL);
    CHECK(get(context, -1, 1, &event, 0) == -1 && errno == EINVAL);
    CHECK(destroy(context) == 0);
    CHECK(destroy(context) == -1 && errno == EINVAL);
    CHECK(submit_one(context, &good) == -1 && errno == EINVAL);
    CHECK(get(context, 0, 1, &event, 0) == -1 && errno == EINVAL);
    close(read_only);
    close(write_only);
    close(no_event);
}

/* least, most and timeout of io_getevents. */
static void shall_wait_as_told(void)
{
    static unsigned char buffers[MANY][BLOCK];
    struct iocb list[MANY];
    struct iocb *pointers[MANY];
    struct io_event events[MANY];
    aio_context_t context;
    CHECK(setup(MANY, &context) == 0);
    for (int i = 0; i < MANY; i++) {
        list[i] = request(IOCB_CMD_PREAD, file, buffers[i], BLOCK, i * BLOCK);
        pointers[i] = &list[i];
    }
    CHECK(submit(context, MANY, pointers) == MANY);
    CHECK(get(context, 10, 10, events, -1) == 10);
    int more = get(context, 20, 40, events, -1);
    CHECK(more >= 20 && more <= 40);
    int rest = MANY - 10 - more;
    CHECK(get(context, rest, MANY, events, 60000) == rest);
    CHECK(get(context, 0, MANY, events, -1) == 0);
    CHECK(get(context, 1, MANY, events, 0) == 0);
    struct timespec before;
    struct timespec after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    CHECK(get(context, 1, MANY, events, 30) == 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec
          >= 30000000L);
    CHECK(submit(context, 3, pointers) == 3);
    CHECK(get(context, 4, MANY, events, 30) == 3); /* what there is when the time is over */
    CHECK(destroy(context) == 0);
}

static void shall_mix_files(void)
{
    static unsigned char buffers[MANY][BLOCK];
    struct iocb list[MANY];
    struct iocb *pointers[MANY];
    struct io_event events[MANY];
    bool seen[MANY] = {false};
    aio_context_t context;
    CHECK(setup(MANY, &context) == 0);
    for (int i = 0; i < MANY; i++) {
        fill(buffers[i], BLOCK, (unsigned) i);
        list[i] = request(IOCB_CMD_PWRITE, i % 3 == 0 ? other : file, buffers[i], BLOCK,
                          i * BLOCK);
        pointers[i] = &list[i];
    }
    CHECK(submit(context, MANY, pointers) == MANY);
    for (int count = 0; count < MANY;) {
        int came = get(context, MANY - count < 5 ? MANY - count : 5, MANY - count, events, -1);
        CHECK(came > 0);
        for (int i = 0; i < came; i++) {
            long index = (struct iocb *) (uintptr_t) events[i].obj - list;
            CHECK(index >= 0 && index < MANY && !seen[index] && events[i].res == BLOCK);
            seen[index] = true;
        }
        count += came;
    }
    CHECK(get(context, 0, MANY, events, 0) == 0);
    for (int i = 0; i < MANY; i++) {
        unsigned char back[BLOCK];
        CHECK(pread(i % 3 == 0 ? other : file, back, BLOCK, i * BLOCK) == BLOCK);
        CHECK(memcmp(back, buffers[i], BLOCK) == 0);
    }
    CHECK(destroy(context) == 0);
}

static void shall_signal_eventfd(void)
{
    static unsigned char buffers[MANY][BLOCK];
    struct iocb list[MANY];
    struct iocb *pointers[MANY];
    struct io_event events[MANY];
    aio_context_t context;
    int event = eventfd(0, 0);
    int second = eventfd(0, 0);
    CHECK(setup(MANY, &context) == 0 && event >= 0 && second >= 0);
    for (int i = 0; i < MANY; i++) {
        list[i] = request(IOCB_CMD_PREAD, file, buffers[i], BLOCK, i * BLOCK);
        list[i].aio_flags = IOCB_FLAG_RESFD;
        list[i].aio_resfd = (uint32_t) event;
        pointers[i] = &list[i];
    }
    uint64_t sum = 0;
    CHECK(submit(context, MANY, pointers) == MANY);
    while (sum < MANY) {
        uint64_t count;
        CHECK(read(event, &count, sizeof count) == sizeof count);
        sum += count;
    }
    CHECK(sum == MANY);
    CHECK(get(context, MANY, MANY, events, 0) == MANY);
    /* one that the program closes before the request is done */
    list[0].aio_resfd = (uint32_t) second;
    int copy = dup(second);
    CHECK(submit_one(context, &list[0]) == 1 && close(second) == 0);
    uint64_t count;
    CHECK(read(copy, &count, sizeof count) == sizeof count && count == 1);
    CHECK(get(context, 1, 1, events, -1) == 1);
    close(copy);
    close(event);
    CHECK(destroy(context) == 0);
}

/* Threads that wait while others submit. */

struct waiter {
    aio_context_t context;
    long least;
    _Atomic int *begun;
    int result;
    struct io_event events[MANY];
};

static void *wait_for_events(void *argument)
{
    struct waiter *waiter = argument;
    (*waiter->begun)++;
    waiter->result = get(waiter->context, waiter->least, MANY, waiter->events, -1);
    return NULL;
}

static void pause_for(long milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* first: 0: the waiter waits before anything was submitted; 1: after FILE was used, 2: OTHER, 3: both */
static void wake_waiter(int first, bool by_file, long least)
{
    unsigned char buffer[BLOCK];
    aio_context_t context;
    _Atomic int begun = 0;
    CHECK(setup(MANY, &context) == 0);
    if (first & 1) {
        struct iocb read = request(IOCB_CMD_PREAD, file, buffer, BLOCK, 0);
        CHECK(perform(context, &read) == BLOCK);
    }
    if (first & 2) {
        struct iocb read = request(IOCB_CMD_PREAD, other, buffer, BLOCK, 0);
        CHECK(perform(context, &read) == BLOCK);
    }
    struct waiter waiter = {.context = context, .least = least, .begun = &begun};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, wait_for_events, &waiter) == 0);
    while (begun == 0) {
    }
    pause_for(5); /* most likely it sleeps */
    struct iocb read = request(IOCB_CMD_PREAD, by_file ? file : other, buffer, BLOCK, 0);
    for (long i = 0; i < least; i++) {
        CHECK(submit_one(context, &read) == 1);
        if (i == 0) {
            pause_for(2);
        }
        read.aio_fildes = (uint32_t) (i % 2 == 0 ? file : other);
    }
    pthread_join(thread, NULL);
    CHECK(waiter.result == least);
    for (long i = 0; i < least; i++) {
        CHECK(waiter.events[i].obj == (uint64_t) (uintptr_t) &read);
        CHECK(waiter.events[i].res == BLOCK);
    }
    CHECK(destroy(context) == 0);
}

static void shall_wake_who_waits(void)
{
    for (int first = 0; first < 4; first++) {
        for (long least = 1; least <= 4; least += 3) {
            wake_waiter(first, true, least);
            wake_waiter(first, false, least);
        }
    }
}

struct share {
    aio_context_t context;
    _Atomic long *left;
};

static void *take_share(void *argument)
{
    struct share *share = argument;
    struct io_event events[3];
    while (*share->left > 0) {
        int count = get(share->context, 1, 3, events, 20);
        CHECK(count >= 0);
        for (int i = 0; i < count; i++) {
            CHECK(events[i].res == BLOCK);
        }
        *share->left -= count;
    }
    return NULL;
}

/* Several threads wait on a context and one submits. */
static void shall_serve_many_waiters(bool mixed)
{
    static unsigned char buffer[BLOCK];
    enum { THREADS = 4, REQUESTS = 4000 };
    _Atomic long left = REQUESTS;
    aio_context_t context;
    pthread_t threads[THREADS];
    CHECK(setup(MANY, &context) == 0);
    struct share share = {context, &left};
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, take_share, &share) == 0);
    }
    for (int i = 0; i < REQUESTS; i++) {
        struct iocb read = request(IOCB_CMD_PREAD, mixed && i % 4 == 0 ? other : file, buffer,
                                   BLOCK, i % 100 * BLOCK);
        while (submit_one(context, &read) != 1) {
            CHECK(errno == EAGAIN);
            sched_yield();
        }
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK(left == 0);
    CHECK(destroy(context) == 0);
}

static void shall_end_with_requests_under_way(void)
{
    static unsigned char buffers[MANY][BLOCK];
    for (int round = 0; round < 20; round++) {
        aio_context_t context;
        CHECK(setup(MANY, &context) == 0);
        int fd = open(path, O_RDWR);
        CHECK(fd >= 0);
        for (int i = 0; i < MANY; i++) {
            fill(buffers[i], BLOCK, (unsigned) (i + round));
            struct iocb write = request(IOCB_CMD_PWRITE, fd, buffers[i], BLOCK, i * BLOCK);
            CHECK(submit_one(context, &write) == 1);
        }
        CHECK(close(fd) == 0); /* the requests keep the file */
        CHECK(destroy(context) == 0);
        for (int i = 0; i < MANY; i++) {
            unsigned char back[BLOCK];
            CHECK(pread(file, back, BLOCK, i * BLOCK) == BLOCK);
            CHECK(memcmp(back, buffers[i], BLOCK) == 0);
        }
    }
}

static void shall_serve_files_that_come_and_go(void)
{
    static unsigned char buffer[BLOCK];
    aio_context_t context;
    CHECK(setup(8, &context) == 0);
    for (int round = 0; round < 50; round++) {
        int fd = open(path, round % 2 ? O_RDWR : O_RDONLY);
        CHECK(fd >= 0);
        struct iocb read = request(IOCB_CMD_PREAD, fd, buffer, BLOCK, 0);
        struct iocb write = request(IOCB_CMD_PWRITE, fd, buffer, BLOCK, 0);
        CHECK(perform(context, &read) == BLOCK);
        if (round % 2) {
            CHECK(perform(context, &write) == BLOCK);
        } else {
            CHECK(submit_one(context, &write) == -1 && errno == EBADF);
        }
        CHECK(submit_one(context, &read) == 1 && close(fd) == 0);
        struct io_event event;
        CHECK(get(context, 1, 1, &event, -1) == 1 && event.res == BLOCK);
    }
    CHECK(destroy(context) == 0);
}

static void on_signal(int number)
{
    (void) number;
}

static void *send_signal(void *argument)
{
    pause_for(20);
    pthread_kill(*(pthread_t *) argument, SIGUSR1);
    return NULL;
}

static void shall_be_interrupted_by_signals(bool with_mask)
{
    unsigned char buffer[BLOCK];
    struct io_event event;
    aio_context_t context;
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t user;
    sigset_t before;
    pthread_t self = pthread_self();
    pthread_t sender;
    sigaction(SIGUSR1, &action, NULL);
    sigemptyset(&user);
    sigaddset(&user, SIGUSR1);
    CHECK(setup(8, &context) == 0);
    struct iocb read = request(IOCB_CMD_PREAD, file, buffer, BLOCK, 0);
    CHECK(perform(context, &read) == BLOCK);
    CHECK(pthread_create(&sender, NULL, send_signal, &self) == 0);
    if (with_mask) {
        pthread_sigmask(SIG_BLOCK, &user, &before);
        struct {
            const sigset_t *mask;
            size_t size;
        } mask = {&before, 8};
        int result = (int) syscall(SYS_io_pgetevents, context, 1L, 1L, &event, NULL, &mask);
        CHECK(result == -1 && errno == EINTR);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    } else {
        CHECK(get(context, 1, 1, &event, -1) == -1 && errno == EINTR);
    }
    pthread_join(sender, NULL);
    CHECK(perform(context, &read) == BLOCK);
    CHECK(destroy(context) == 0);
}

static void shall_not_be_inherited(void)
{
    unsigned char buffer[BLOCK];
    aio_context_t context;
    CHECK(setup(8, &context) == 0);
    struct iocb read = request(IOCB_CMD_PREAD, file, buffer, BLOCK, 0);
    CHECK(perform(context, &read) == BLOCK);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        aio_context_t own;
        CHECK(submit_one(context, &read) == -1 && errno == EINVAL);
        CHECK(setup(8, &own) == 0);
        CHECK(perform(own, &read) == BLOCK);
        CHECK(destroy(own) == 0);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(perform(context, &read) == BLOCK);
    CHECK(destroy(context) == 0);
}

/* Of both kinds at once: a request of the kernel's that is done only when asked for. */
static void shall_wait_for_both_kinds(void)
{
    unsigned char buffer[BLOCK];
    struct io_event events[2];
    aio_context_t context;
    int event = eventfd(0, 0);
    CHECK(setup(8, &context) == 0 && event >= 0);
    for (int round = 0; round < 3; round++) {
        struct iocb ready = {
            .aio_lio_opcode = IOCB_CMD_POLL,
            .aio_fildes = (uint32_t) event,
            .aio_buf = POLLIN,
        };
        struct iocb reading = request(IOCB_CMD_PREAD, file, buffer, BLOCK, 0);
        struct iocb *both[] = {&ready, &reading};
        CHECK(submit(context, 2, both) == 2);
        CHECK(get(context, 1, 2, events, -1) == 1);
        CHECK(events[0].obj == (uint64_t) (uintptr_t) &reading);
        CHECK(get(context, 1, 2, events, 10) == 0);
        uint64_t one = 1;
        CHECK(write(event, &one, sizeof one) == sizeof one);
        CHECK(get(context, 1, 2, events, -1) == 1);
        CHECK(events[0].obj == (uint64_t) (uintptr_t) &ready && events[0].res == POLLIN);
        CHECK(read(event, &one, sizeof one) == sizeof one);
    }
    close(event);
    CHECK(destroy(context) == 0);
}

int main(int count, char **arguments)
{
    if (count != 3) {
        fprintf(stderr, "usage: linux_aio FILE OTHER\n");
        return 2;
    }
    path = arguments[1];
    other_path = arguments[2];
    file = open(path, O_RDWR);
    other = open(other_path, O_RDWR);
    struct stat status;
    CHECK(file >= 0 && other >= 0 && fstat(file, &status) == 0);
    size = status.st_size;
    shall_read_what_was_written();
    shall_take_vectors();
    shall_end_at_the_end();
    shall_refuse_as_the_kernel();
    shall_wait_as_told();
    shall_mix_files();
    shall_signal_eventfd();
    shall_wake_who_waits();
    shall_serve_many_waiters(false);
    shall_serve_many_waiters(true);
    shall_end_with_requests_under_way();
    shall_serve_files_that_come_and_go();
    shall_be_interrupted_by_signals(false);
    shall_be_interrupted_by_signals(true);
    shall_not_be_inherited();
    shall_wait_for_both_kinds();
    printf("ok\n");
    return 0;
}
