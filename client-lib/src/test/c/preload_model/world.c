#include "world.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner.h"

uint32_t checksum(const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    uint32_t sum = UINT32_C(2166136261); /* FNV-1a */
    for (size_t i = 0; i < length; i++) {
        sum = (sum ^ at[i]) * UINT32_C(16777619);
    }
    return sum;
}

void fill_bytes(void *bytes, size_t length, uint32_t seed)
{
    unsigned char *at = bytes;
    uint32_t state = seed | 1;
    for (size_t i = 0; i < length; i++) {
        state = state * UINT32_C(1664525) + UINT32_C(1013904223);
        at[i] = (unsigned char) (state >> 24);
    }
}

void record_error(struct runner *runner, int error)
{
    runner->outcome->result = -1;
    runner->outcome->error = error == EFBIG && !runner->world->is_image ? ENOSPC : error;
}

void record(struct runner *runner, int64_t result)
{
    if (result == -1) {
        record_error(runner, errno);
    } else {
        runner->outcome->result = result;
    }
}

void note_bytes(struct runner *runner, const void *bytes, int64_t length)
{
    if (length > 0) {
        runner->outcome->extra =
            runner->outcome->extra * 31 + checksum(bytes, (size_t) length);
    }
}

void note(struct runner *runner, int64_t number)
{
    if (getenv("MODEL_TRACE") != NULL) { /* for who looks for the cause of a difference */
        fprintf(stderr, "%s: %" PRId64 "\n", runner->world->is_image ? "image" : "file", number);
    }
    note_bytes(runner, &number, sizeof number);
}

const unsigned char *bytes_to_write(struct runner *runner, const struct operation *operation)
{
    fill_bytes(runner->buffer, (size_t) operation->length, operation->seed);
    return runner->buffer;
}

int flags_for(int flags)
{
    return flags & ~O_TRUNC;
}

static bool_t run_operation(struct runner *runner, const struct operation *operation)
{
    return run_descriptor_call(runner, operation) || run_transfer(runner, operation)
           || run_copy(runner, operation) || run_stream(runner, operation)
           || run_file_call(runner, operation) || run_process_call(runner, operation)
           || run_leave(runner, operation);
}

struct step {
    struct runner *runner;
    const struct operation *operation;
};

static void *take_step(void *argument)
{
    struct step *step = argument;
    if (operation_way(step->operation) == BY_CANCELLED_THREAD) {
        pthread_cancel(pthread_self());
    }
    if (!run_operation(step->runner, step->operation)) {
        errx(1, "operation %d is not known", step->operation->kind);
    }
    return NULL;
}

/* Some in a thread of their own. */
static void run_step(struct runner *runner, const struct operation *operation)
{
    struct step step = {runner, operation};
    pthread_t thread;
    void *end = NULL;
    if (operation_way(operation) == BY_MAIN_THREAD) {
        take_step(&step);
    } else if (pthread_create(&thread, NULL, take_step, &step) != 0 || pthread_join(thread, &end) != 0) {
        err(1, "a thread");
    }
    note(runner, end == PTHREAD_CANCELED);
}

static const struct timespec long_ago[2] = {{1000000000, 5}, {1000000000, 5}};

/* The time of the last change becomes one of long ago: then it can be seen whether it moves. */
static void begin_time(const struct runner *runner)
{
    if (utimensat(AT_FDCWD, runner->world->path, long_ago, 0) < 0) {
        err(1, "utimensat");
    }
}

static void note_time(struct runner *runner)
{
    struct stat status;
    if (stat(runner->world->path, &status) < 0) {
        err(1, "stat");
    }
    note(runner, status.st_mtim.tv_sec == long_ago[1].tv_sec && status.st_mtim.tv_nsec == long_ago[1].tv_nsec);
    note(runner, status.st_ctim.tv_sec > long_ago[1].tv_sec);
}

static void run_one(struct runner *runner, const struct operation *operation)
{
    if (operation_tells_time(operation)) {
        begin_time(runner);
    }
    run_step(runner, operation);
    if (operation_tells_time(operation)) {
        note_time(runner);
    }
    for (int i = 0; i < SLOTS; i++) {
        runner->outcome->positions[i] =
            runner->fds[i] < 0 ? -1 : lseek(runner->fds[i], 0, SEEK_CUR);
    }
    runner->outcome->has_run = 1;
}

static void fill_file(const struct runner *runner, uint32_t seed)
{
    int fd = open(runner->world->path, O_RDWR);
    fill_bytes(runner->buffer, FILE_SIZE, seed);
    if (fd < 0 || pwrite(fd, runner->buffer, FILE_SIZE, 0) != FILE_SIZE || close(fd) < 0) {
        err(1, "cannot fill %s", runner->world->path);
    }
}

/* Standard input is no sequence's. */
static void read_nothing(void)
{
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || (null != STDIN_FILENO && (dup2(null, STDIN_FILENO) < 0 || close(null) < 0))) {
        err(1, "/dev/null");
    }
}

static void note_file(struct runner *runner)
{
    int fd = open(runner->world->path, O_RDONLY);
    record(runner, pread(fd, runner->buffer, BUFFER_LENGTH, 0));
    note_bytes(runner, runner->buffer, runner->outcome->result);
    close(fd);
}

/* A plain file cannot grow, as an image cannot. */
static void limit_size(const struct world *world)
{
    struct rlimit limit = {FILE_SIZE, FILE_SIZE};
    if (!world->is_image
        && (setrlimit(RLIMIT_FSIZE, &limit) < 0 || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)) {
        err(1, "RLIMIT_FSIZE");
    }
}

void world_run(struct world *world, const struct operation *operations, const bool_t *keep,
               int count, uint32_t seed)
{
    struct runner runner = {.world = world, .buffer = malloc(BUFFER_LENGTH)};
    memset(runner.fds, -1, sizeof runner.fds);
    if (chdir("/tmp") < 0) { /* a relative path begins here */
        err(1, "/tmp");
    }
    read_nothing();
    limit_size(world);
    fill_file(&runner, seed);
    for (int i = 0; i < count; i++) {
        if (keep[i]) {
            runner.outcome = &world->outcomes[i];
            run_one(&runner, &operations[i]);
        }
    }
    runner.outcome = &world->outcomes[MAX_OPERATIONS];
    note_file(&runner);
    exit(0);
}
