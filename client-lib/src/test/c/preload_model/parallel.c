#include "parallel.h"

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "operation.h"
#include "world.h"

#define PROCESSES 3
#define THREADS 4
#define PART (FILE_SIZE / (PROCESSES * THREADS) / 4096 * 4096) /* bytes of each thread */

struct task {
    const char *path;
    int inherited;
    int number;
    time_t end;
    uint32_t seed;
};

static void expect(int is_true, const struct task *task, const char *what)
{
    if (!is_true) {
        err(1, "thread %d, seed %" PRIu32 ": %s", task->number, task->seed, what);
    }
}

static void write_part(const struct task *task, struct generator *generator, int fd, char *model,
                       off_t base)
{
    off_t at = generator_below(generator, PART);
    size_t length = (size_t) generator_below(generator, PART - at) + 1;
    fill_bytes(model + at, length, (uint32_t) generator_next(generator));
    struct iovec vector[2] = {{model + at, length / 3}, {model + at + length / 3, length - length / 3}};
    ssize_t done = -1;
    switch (generator_below(generator, 4)) {
    case 0:
        done = pwrite(fd, model + at, length, base + at);
        break;
    case 1:
        done = pwritev(fd, vector, 2, base + at);
        break;
    case 2:
        if (fd == task->inherited) { /* its position is everybody's */
            done = pwrite(fd, model + at, length, base + at);
        } else {
            expect(lseek(fd, base + at, SEEK_SET) == base + at, task, "lseek");
            done = write(fd, model + at, length);
        }
        break;
    default:
        memset(model + at, 0, length);
        done = fallocate(fd, FALLOC_FL_ZERO_RANGE, base + at, (off_t) length) == 0 ? (ssize_t) length
                                                                                    : -1;
        break;
    }
    expect(done == (ssize_t) length, task, "write");
}

static void read_part(const struct task *task, struct generator *generator, int fd,
                      const char *model, off_t base)
{
    char bytes[PART];
    off_t at = generator_below(generator, PART);
    size_t length = (size_t) generator_below(generator, PART - at) + 1;
    struct iovec vector[2] = {{bytes, length / 2}, {bytes + length / 2, length - length / 2}};
    ssize_t done = generator_below(generator, 2) == 0 ? pread(fd, bytes, length, base + at)
                                                      : preadv(fd, vector, 2, base + at);
    expect(done == (ssize_t) length, task, "read");
    if (memcmp(bytes, model + at, length) != 0) {
        errx(1, "thread %d, seed %" PRIu32 ": reads other than it wrote, %zu bytes at %ld",
             task->number, task->seed, length, (long) (base + at));
    }
}

static void *work(void *argument)
{
    struct task *task = argument;
    struct generator generator = {task->seed * UINT64_C(1000) + (uint64_t) task->number};
    char model[PART];
    off_t base = (off_t) task->number * PART;
    int own = open(task->path, O_RDWR | O_CLOEXEC);
    expect(own >= 0, task, "open");
    memset(model, task->number, sizeof model);
    expect(pwrite(own, model, PART, base) == PART, task, "pwrite");
    while (time(NULL) < task->end) {
        for (int i = 0; i < 20; i++) {
            int fd = generator_below(&generator, 2) == 0 ? own : task->inherited;
            if (generator_below(&generator, 2) == 0) {
                write_part(task, &generator, fd, model, base);
            } else {
                read_part(task, &generator, fd, model, base);
            }
        }
        if (generator_below(&generator, 10) == 0) {
            expect(close(own) == 0, task, "close");
            own = open(task->path, O_RDWR | O_CLOEXEC);
            expect(own >= 0, task, "open");
        }
    }
    expect(fsync(own) == 0 && close(own) == 0, task, "close");
    return NULL;
}

static void run_process(const char *path, int inherited, int process, time_t end, uint32_t seed)
{
    pthread_t threads[THREADS];
    struct task tasks[THREADS];
    for (int i = 0; i < THREADS; i++) {
        tasks[i] = (struct task) {path, inherited, process * THREADS + i, end, seed};
        if (pthread_create(&threads[i], NULL, work, &tasks[i]) != 0) {
            errx(1, "pthread_create");
        }
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

int parallel_run(const char *path, long seconds, uint32_t seed)
{
    int failed = 0;
    int inherited = open(path, O_RDWR);
    time_t end = time(NULL) + (seconds + 1) / 2;
    if (inherited < 0) {
        err(1, "open %s", path);
    }
    fflush(NULL);
    for (int i = 0; i < PROCESSES; i++) {
        pid_t child = fork();
        if (child == 0) {
            run_process(path, inherited, i, end, seed);
            _exit(0);
        }
        if (child < 0) {
            err(1, "fork");
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        if (wait(&status) < 0 || status != 0) {
            failed = 1;
        }
    }
    close(inherited);
    printf("%d processes of %d threads: %s\n", PROCESSES, THREADS, failed ? "FAILED" : "no difference");
    return failed;
}
