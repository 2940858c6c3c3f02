/* posix_aio FILE OTHER [fork]: what POSIX' asynchronous I/O promises, tried on FILE (at least 8 MiB,
 * whose size is kept) and OTHER, a plain file, in one list. It knows nothing of images: run on two
 * plain files it must succeed as well. With "fork" it also goes on in a child, where the C library's
 * own requests never end. Prints "ok". */

#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MANY 64
#define BLOCK 4096

static const char *path;
static int file;
static int other;
static off_t size;
static unsigned char buffers[MANY][BLOCK];

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s (errno %d)\n", __func__, __LINE__, #condition,      \
                    errno);                                                                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static struct aiocb request(int op, int fd, void *buffer, size_t length, off_t offset)
{
    return (struct aiocb) {
        .aio_lio_opcode = op,
        .aio_fildes = fd,
        .aio_buf = buffer,
        .aio_nbytes = length,
        .aio_offset = offset,
        .aio_sigevent.sigev_notify = SIGEV_NONE,
    };
}

static void fill(unsigned char *buffer, size_t length, unsigned seed)
{
    for (size_t i = 0; i < length; i++) {
        seed = seed * 1103515245 + 12345;
        buffer[i] = (unsigned char) (seed >> 16);
    }
}

/* Its result; the error in errno. */
static ssize_t wait_for(struct aiocb *one)
{
    const struct aiocb *list[] = {NULL, one};
    while (aio_error(one) == EINPROGRESS) {
        CHECK(aio_suspend(list, 2, NULL) == 0);
    }
    errno = aio_error(one);
    return aio_return(one);
}

static void shall_read_what_was_written(void)
{
    enum { LARGE = 3 * 1024 * 1024 };
    static unsigned char out[LARGE];
    static unsigned char in[LARGE];
    size_t lengths[] = {1, 511, BLOCK, 100000, LARGE};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t length = lengths[i];
        fill(out, length, (unsigned) i);
        struct aiocb write = request(0, file, out, length, (off_t) i * 777);
        struct aiocb sync = request(0, file, NULL, 0, 0);
        struct aiocb read = request(0, file, in, length, (off_t) i * 777);
        CHECK(aio_write(&write) == 0 && aio_fsync(i % 2 ? O_SYNC : O_DSYNC, &sync) == 0);
        CHECK(wait_for(&sync) == 0 && errno == 0);
        CHECK(aio_error(&write) == 0); /* the flush comes after it */
        CHECK(aio_return(&write) == (ssize_t) length);
        CHECK(aio_read(&read) == 0 && wait_for(&read) == (ssize_t) length);
        CHECK(memcmp(in, out, length) == 0);
    }
    struct aiocb across = request(0, file, in, BLOCK, size - 100);
    struct aiocb at = request(0, file, in, BLOCK, size);
    CHECK(aio_read(&across) == 0 && wait_for(&across) == 100);
    CHECK(aio_read(&at) == 0 && wait_for(&at) == 0);
}

static void shall_tell_errors(void)
{
    unsigned char buffer[16];
    int read_only = open(path, O_RDONLY);
    CHECK(read_only >= 0);
    struct aiocb write = request(0, read_only, buffer, sizeof buffer, 0);
    struct aiocb before = request(0, file, buffer, sizeof buffer, -1);
    struct aiocb priority = request(0, file, buffer, sizeof buffer, 0);
    struct aiocb sync = request(0, file, NULL, 0, 0);
    CHECK(aio_write(&write) == 0 && wait_for(&write) == -1 && errno == EBADF);
    CHECK(aio_read(&before) == 0 && wait_for(&before) == -1 && errno == EINVAL);
    priority.aio_reqprio = -1;
    CHECK(aio_read(&priority) == -1 && errno == EINVAL);
    CHECK(aio_fsync(12345, &sync) == -1 && errno == EINVAL);
    close(read_only);
}

static void shall_serve_many(void)
{
    struct aiocb blocks[MANY];
    const struct aiocb *list[MANY];
    for (int i = 0; i < MANY; i++) {
        fill(buffers[i], BLOCK, (unsigned) i);
        blocks[i] = request(0, i % 5 ? file : other, buffers[i], BLOCK, i * BLOCK);
        list[i] = &blocks[i];
        CHECK(aio_write(&blocks[i]) == 0);
    }
    for (int left = MANY; left > 0;) {
        CHECK(aio_suspend(list, MANY, NULL) == 0);
        for (int i = 0; i < MANY; i++) {
            if (list[i] != NULL && aio_error(&blocks[i]) != EINPROGRESS) {
                CHECK(aio_return(&blocks[i]) == BLOCK);
                list[i] = NULL;
                left--;
            }
        }
    }
    for (int i = 0; i < MANY; i++) {
        unsigned char back[BLOCK];
        CHECK(pread(i % 5 ? file : other, back, BLOCK, i * BLOCK) == BLOCK);
        CHECK(memcmp(back, buffers[i], BLOCK) == 0);
    }
    CHECK(aio_cancel(file, NULL) == AIO_ALLDONE);
    CHECK(aio_cancel(file, &blocks[1]) == AIO_ALLDONE);
    CHECK(aio_cancel(-1, NULL) == -1 && errno == EBADF);
}

static _Atomic int notified;
static _Atomic intptr_t value_seen;

static void on_done(union sigval value)
{
    value_seen = (intptr_t) value.sival_ptr;
    notified++;
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void) number;
    (void) context;
    value_seen = info->si_code == SI_ASYNCIO ? (intptr_t) info->si_value.sival_ptr : -1;
    notified++;
}

static void await_notification(int count)
{
    struct timespec moment = {0, 1000000};
    for (int i = 0; i < 20000 && notified < count; i++) {
        nanosleep(&moment, NULL);
    }
    CHECK(notified == count);
}

static void shall_notify(void)
{
    unsigned char buffer[BLOCK];
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGRTMIN, &action, NULL);
    notified = 0;
    struct aiocb signals = request(0, file, buffer, BLOCK, 0);
    signals.aio_sigevent.sigev_notify = SIGEV_SIGNAL;
    signals.aio_sigevent.sigev_signo = SIGRTMIN;
    signals.aio_sigevent.sigev_value.sival_ptr = (void *) 111;
    CHECK(aio_read(&signals) == 0);
    await_notification(1);
    CHECK(value_seen == 111 && aio_error(&signals) == 0 && aio_return(&signals) == BLOCK);
    struct aiocb calls = request(0, file, buffer, BLOCK, 0);
    calls.aio_sigevent.sigev_notify = SIGEV_THREAD;
    calls.aio_sigevent.sigev_notify_function = on_done;
    calls.aio_sigevent.sigev_value.sival_ptr = (void *) 222;
    CHECK(aio_read(&calls) == 0);
    await_notification(2);
    CHECK(value_seen == 222 && aio_error(&calls) == 0 && aio_return(&calls) == BLOCK);
}

/* others: of ten how many are on OTHER. */
static void try_list(int mode, int others)
{
    struct aiocb blocks[12];
    struct aiocb *list[12];
    struct sigevent event = {
        .sigev_notify = SIGEV_THREAD,
        .sigev_notify_function = on_done,
        .sigev_value.sival_ptr = (void *) 333,
    };
    for (int i = 0; i < 12; i++) {
        blocks[i] = request(i % 2 ? LIO_READ : LIO_WRITE, i < others ? other : file, buffers[i],
                            BLOCK, i * BLOCK);
        list[i] = &blocks[i];
    }
    list[10] = NULL;
    blocks[11].aio_lio_opcode = LIO_NOP;
    notified = 0;
    CHECK(lio_listio(mode, list, 12, &event) == 0);
    if (mode == LIO_NOWAIT) {
        await_notification(1);
        CHECK(value_seen == 333);
    }
    for (int i = 0; i < 10; i++) {
        CHECK(aio_error(&blocks[i]) == 0 && aio_return(&blocks[i]) == BLOCK);
    }
    /* one fails, the others do not */
    blocks[9].aio_offset = -1;
    notified = 0;
    int result = lio_listio(mode, list, 12, &event);
    CHECK(mode == LIO_WAIT ? result == -1 && errno == EIO : result == 0);
    if (mode == LIO_NOWAIT) {
        await_notification(1);
    }
    for (int i = 0; i < 9; i++) {
        CHECK(aio_error(&blocks[i]) == 0 && aio_return(&blocks[i]) == BLOCK);
    }
    CHECK(aio_error(&blocks[9]) == EINVAL && aio_return(&blocks[9]) == -1);
}

static void shall_take_lists(void)
{
    for (int others = 0; others <= 10; others += 5) {
        try_list(LIO_WAIT, others);
        try_list(LIO_NOWAIT, others);
    }
}

static void shall_go_on_after_fork(void)
{
    unsigned char buffer[BLOCK];
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct aiocb read = request(0, file, buffer, BLOCK, 0);
        CHECK(aio_read(&read) == 0 && wait_for(&read) == BLOCK);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    struct aiocb read = request(0, file, buffer, BLOCK, 0);
    CHECK(aio_read(&read) == 0 && wait_for(&read) == BLOCK);
}

static void shall_outlive_its_descriptor(void)
{
    for (int round = 0; round < 50; round++) {
        int fd = open(path, O_RDWR);
        CHECK(fd >= 0);
        struct aiocb read = request(0, fd, buffers[0], BLOCK, 0);
        CHECK(aio_read(&read) == 0);
        CHECK(wait_for(&read) == BLOCK);
        CHECK(close(fd) == 0);
    }
}

static void *use(void *argument)
{
    unsigned char buffer[BLOCK];
    for (int i = 0; i < 500; i++) {
        struct aiocb read = request(0, file, buffer, BLOCK, (intptr_t) argument * BLOCK);
        CHECK(aio_read(&read) == 0 && wait_for(&read) == BLOCK);
        CHECK(memcmp(buffer, buffers[(intptr_t) argument], BLOCK) == 0);
    }
    return NULL;
}

static void shall_serve_threads(void)
{
    pthread_t threads[8];
    for (intptr_t i = 0; i < 8; i++) {
        fill(buffers[i], BLOCK, (unsigned) i + 99);
        CHECK(pwrite(file, buffers[i], BLOCK, i * BLOCK) == BLOCK);
    }
    for (intptr_t i = 0; i < 8; i++) {
        CHECK(pthread_create(&threads[i], NULL, use, (void *) i) == 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
    }
}

int main(int count, char **arguments)
{
    if (count != 3 && count != 4) {
        fprintf(stderr, "usage: posix_aio FILE OTHER [fork]\n");
        return 2;
    }
    path = arguments[1];
    file = open(path, O_RDWR);
    other = open(arguments[2], O_RDWR);
    struct stat status;
    CHECK(file >= 0 && other >= 0 && fstat(file, &status) == 0);
    size = status.st_size;
    shall_read_what_was_written();
    shall_tell_errors();
    shall_serve_many();
    shall_notify();
    shall_take_lists();
    if (count == 4) {
        shall_go_on_after_fork();
    }
    shall_outlive_its_descriptor();
    shall_serve_threads();
    printf("ok\n");
    return 0;
}
