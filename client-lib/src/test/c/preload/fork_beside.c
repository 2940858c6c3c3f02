/* fork_beside FILE WAY RUNS: forks while other threads use FILE for the first time in their process, by WAY:
 * open, kernel (Linux' asynchronous I/O) or posix (its own). Neither the child nor what it forks may find
 * anything in the state in which those threads had it. Prints nothing and exits with 0 where all goes on. */

#include <aio.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 2
#define LENGTH 4096
#define LIMIT_SECONDS 30
#define LONGEST_NS 100000 /* from the threads' start to the fork: what they do first takes about so long */

static const char *path;
static const char *way;

static void expect(int is_true, const char *what)
{
    if (!is_true) {
        err(1, "%s", what);
    }
}

static void read_by_kernel(int fd, char *buffer)
{
    aio_context_t context = 0;
    struct iocb request = {
        .aio_lio_opcode = IOCB_CMD_PREAD,
        .aio_fildes = (uint32_t) fd,
        .aio_buf = (uint64_t) (uintptr_t) buffer,
        .aio_nbytes = LENGTH,
    };
    struct iocb *requests[] = {&request};
    struct io_event event;
    expect(syscall(SYS_io_setup, 4, &context) == 0, "io_setup");
    expect(syscall(SYS_io_submit, context, 1L, requests) == 1, "io_submit");
    expect(syscall(SYS_io_getevents, context, 1L, 1L, &event, NULL) == 1, "io_getevents");
    expect(event.res == LENGTH, "asynchronous read");
    expect(syscall(SYS_io_destroy, context) == 0, "io_destroy");
}

static void read_by_posix(int fd, char *buffer)
{
    struct aiocb request = {.aio_fildes = fd, .aio_buf = buffer, .aio_nbytes = LENGTH};
    const struct aiocb *requests[] = {&request};
    expect(aio_read(&request) == 0, "aio_read");
    while (aio_error(&request) == EINPROGRESS) {
        expect(aio_suspend(requests, 1, NULL) == 0 || errno == EINTR, "aio_suspend");
    }
    expect(aio_return(&request) == LENGTH, "aio_return");
}

static void use(void)
{
    char buffer[LENGTH];
    int fd = open(path, O_RDWR);
    expect(fd >= 0, "open");
    expect(pwrite(fd, "x", 1, 0) == 1, "pwrite");
    memset(buffer, 0, sizeof buffer);
    if (strcmp(way, "kernel") == 0) {
        read_by_kernel(fd, buffer);
    } else if (strcmp(way, "posix") == 0) {
        read_by_posix(fd, buffer);
    } else {
        expect(pread(fd, buffer, LENGTH, 0) == LENGTH, "pread");
    }
    expect(buffer[0] == 'x', "what was written");
    expect(close(fd) == 0, "close");
}

static void *use_twice(void *nothing)
{
    use();
    use();
    return nothing;
}

static void spin(long ns)
{
    struct timespec begin;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - begin.tv_sec) * 1000000000L + now.tv_nsec - begin.tv_nsec < ns);
}

/* A child that does it within the limit. */
static pid_t start(void (*what)(unsigned), unsigned number)
{
    pid_t child = fork();
    expect(child >= 0, "fork");
    if (child == 0) {
        alarm(LIMIT_SECONDS);
        what(number);
        _exit(0);
    }
    return child;
}

static void await(pid_t child, const char *who)
{
    int status;
    expect(waitpid(child, &status, 0) == child, "waitpid");
    if (status != 0) {
        errx(1, "%s: %s", who,
             WIFSIGNALED(status) ? WTERMSIG(status) == SIGALRM ? "hangs" : strsignal(WTERMSIG(status))
                                 : "fails");
    }
}

static void be_grandchild(unsigned number)
{
    (void) number;
    use();
}

static void be_child(unsigned number)
{
    use();
    await(start(be_grandchild, number), "a grandchild");
}

static void be_parent(unsigned number)
{
    pthread_t threads[THREADS];
    srand(number);
    for (int i = 0; i < THREADS; i++) {
        expect(pthread_create(&threads[i], NULL, use_twice, NULL) == 0, "pthread_create");
    }
    spin(rand() % LONGEST_NS);
    await(start(be_child, number), "a child");
    for (int i = 0; i < THREADS; i++) {
        expect(pthread_join(threads[i], NULL) == 0, "pthread_join");
    }
    use();
}

int main(int count, char **arguments)
{
    if (count != 4) {
        errx(2, "usage: fork_beside FILE open|kernel|posix RUNS");
    }
    path = arguments[1];
    way = arguments[2];
    unsigned runs = (unsigned) strtoul(arguments[3], NULL, 10);
    for (unsigned i = 0; i < runs; i++) {
        await(start(be_parent, i), "a process");
    }
    return 0;
}
