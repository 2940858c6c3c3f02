/* Threads that leave their calls midway, beside others that do not and check their data.
 *
 *     leave_midway HOW FILE TIMES
 *
 * HOW: jump, jump-from-signal-stack, setcontext, builtin-jump: a signal handler jumps out of the call;
 *      exit: it ends the thread; cancel, cancel-at-once: the thread is cancelled (deferred, asynchronously).
 *      All but cancel: the handler reads and writes before, where HOW ends with -after-io.
 * FILE: of 4 MiB and more. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#define BLOCK 4096
#define REGION (1 << 20)
#define WORKERS 3
#define LARGE (512 * 1024)

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, strerror(errno));   \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static char how[64];
static bool does_io; /* in the handler */
static int fd;
static atomic_bool ended;
static atomic_bool is_armed;
static sigjmp_buf target;
static void *builtin_target[5];
static ucontext_t context;
static char large[LARGE];
static _Atomic uint64_t left; /* how often a call, or what is around it, was left */

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void handle(int signal)
{
    (void) signal;
    if (!atomic_exchange(&is_armed, false)) {
        return;
    }
    atomic_fetch_add(&left, 1);
    if (does_io) {
        char bytes[100];
        REQUIRE(pread(fd, bytes, sizeof bytes, REGION / 2) == sizeof bytes);
        REQUIRE(pwrite(fd, bytes, sizeof bytes, REGION / 2) == sizeof bytes);
    }
    if (strcmp(how, "exit") == 0) {
        pthread_exit(NULL);
    } else if (strcmp(how, "setcontext") == 0) {
        setcontext(&context);
    } else if (strcmp(how, "builtin-jump") == 0) {
        __builtin_longjmp(builtin_target, 1);
    }
    siglongjmp(target, 1);
}

/* Its own region, never left midway: what it writes it reads. */
static void *work(void *number)
{
    off_t region = (1 + (off_t) (uintptr_t) number) * REGION;
    uint64_t state = 77 + (uintptr_t) number;
    static __thread uint64_t written[BLOCK / 8];
    static __thread uint64_t read_back[BLOCK / 8];
    while (!atomic_load(&ended)) {
        off_t at = region + (off_t) (next(&state) % (REGION / BLOCK)) * BLOCK;
        for (size_t i = 0; i < BLOCK / 8; i++) {
            written[i] = next(&state);
        }
        REQUIRE(pwrite(fd, written, BLOCK, at) == BLOCK);
        REQUIRE(pread(fd, read_back, BLOCK, at) == BLOCK);
        REQUIRE(memcmp(written, read_back, BLOCK) == 0);
    }
    return NULL;
}

/* One call of several kinds, in the first region. */
static void call(uint64_t *state)
{
    static __thread char block[BLOCK];
    struct iovec two[] = {{block, 100}, {block + 100, 1000}};
    struct stat status;
    off_t at = (off_t) (next(state) % (REGION / BLOCK / 2)) * BLOCK;
    switch (next(state) % 10) {
    case 0:
        pwrite(fd, block, sizeof block, at);
        break;
    case 1:
        pread(fd, large, LARGE, at);
        break;
    case 2:
        pwrite(fd, large, LARGE, 0);
        break;
    case 3:
        fsync(fd);
        break;
    case 4:
        lseek(fd, 0, SEEK_SET);
        break;
    case 5:
        readv(fd, two, 2);
        break;
    case 6:
        fstat(fd, &status);
        break;
    case 7: /* in sequence */
        for (int i = 0; i < 8; i++) {
            pread(fd, block, 512, i * 512);
        }
        break;
    default:
        pread(fd, block, sizeof block, at);
    }
}

/* Whatever was left midway, the first block can be written and read. */
static void check(uint64_t value)
{
    uint64_t seen = 0;
    REQUIRE(pwrite(fd, &value, sizeof value, 0) == sizeof value);
    REQUIRE(pread(fd, &seen, sizeof seen, 0) == sizeof seen && seen == value);
}

/* Deeper than the last time, or not: where a call's frame is differs. */
static __attribute__((noinline)) void call_deeply(uint64_t *state, unsigned depth)
{
    volatile char room[64 + 8 * depth];
    room[0] = 0;
    if (depth > 0) {
        call_deeply(state, depth - 1);
    } else {
        call(state);
    }
    room[sizeof room - 1] = 1;
}

static __attribute__((noinline)) void call_until_left(uint64_t *state)
{
    atomic_store(&is_armed, true);
    while (atomic_load(&is_armed)) {
        call_deeply(state, (unsigned) (next(state) % 5));
    }
}

static __attribute__((noinline)) void be_left_by_builtin(uint64_t *state)
{
    if (__builtin_setjmp(builtin_target) == 0) {
        call_until_left(state);
    }
}

static void be_left(uint64_t *state)
{
    if (strcmp(how, "builtin-jump") == 0) {
        be_left_by_builtin(state);
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    } else if (strcmp(how, "setcontext") == 0) {
        volatile bool again = false;
        getcontext(&context);
        if (!again) {
            again = true;
            call_until_left(state);
        }
    } else if (sigsetjmp(target, 1) == 0) {
        call_until_left(state);
    }
}

static void *shoot(void *victim)
{
    uint64_t state = 4711;
    while (!atomic_load(&ended)) {
        usleep((useconds_t) (next(&state) % 300));
        if (atomic_load(&is_armed)) {
            pthread_kill(*(pthread_t *) victim, SIGUSR1);
        }
    }
    return NULL;
}

static void jump_again_and_again(uint64_t times)
{
    pthread_t shooter;
    pthread_t self = pthread_self();
    uint64_t state = 42;
    static char signal_stack[64 * 1024];
    stack_t alternate = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
    struct sigaction action = {.sa_handler = handle};
    if (strcmp(how, "jump-from-signal-stack") == 0) {
        REQUIRE(sigaltstack(&alternate, NULL) == 0);
        action.sa_flags = SA_ONSTACK;
    }
    REQUIRE(sigaction(SIGUSR1, &action, NULL) == 0);
    REQUIRE(pthread_create(&shooter, NULL, shoot, &self) == 0);
    for (volatile uint64_t i = 0; i < times; i++) {
        be_left(&state);
        check(i);
    }
    atomic_store(&ended, true);
    pthread_join(shooter, NULL);
}

static void *end_midway(void *seed)
{
    uint64_t state = 1 + 2 * (uint64_t) (uintptr_t) seed;
    int type = strcmp(how, "cancel-at-once") == 0 ? PTHREAD_CANCEL_ASYNCHRONOUS
                                                  : PTHREAD_CANCEL_DEFERRED;
    pthread_setcanceltype(type, NULL);
    atomic_store(&is_armed, true);
    while (true) {
        call_deeply(&state, (unsigned) (next(&state) % 5));
        pthread_testcancel();
    }
    return NULL;
}

static void end_threads(uint64_t times)
{
    uint64_t state = 5;
    struct sigaction action = {.sa_handler = handle};
    REQUIRE(sigaction(SIGUSR1, &action, NULL) == 0);
    for (uint64_t i = 0; i < times; i++) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, end_midway, (void *) (uintptr_t) i) == 0);
        while (!atomic_load(&is_armed)) {
            usleep(20);
        }
        usleep((useconds_t) (next(&state) % 300));
        if (strcmp(how, "exit") == 0) {
            pthread_kill(thread, SIGUSR1);
        } else {
            atomic_store(&is_armed, false);
            atomic_fetch_add(&left, 1);
            pthread_cancel(thread);
        }
        REQUIRE(pthread_join(thread, NULL) == 0);
        check(i);
    }
    atomic_store(&ended, true);
}

int main(int count, char **arguments)
{
    pthread_t workers[WORKERS];
    REQUIRE(count == 4);
    strncpy(how, arguments[1], sizeof how - 1);
    char *after = strstr(how, "-after-io");
    if (after != NULL) {
        does_io = true;
        *after = '\0';
    }
    fd = open(arguments[2], O_RDWR);
    uint64_t times = strtoull(arguments[3], NULL, 10);
    REQUIRE(fd >= 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    for (uintptr_t i = 0; i < WORKERS; i++) {
        REQUIRE(pthread_create(&workers[i], NULL, work, (void *) i) == 0);
    }
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    if (strcmp(how, "exit") == 0 || strncmp(how, "cancel", 6) == 0) {
        end_threads(times);
    } else {
        jump_again_and_again(times);
    }
    for (int i = 0; i < WORKERS; i++) {
        REQUIRE(pthread_join(workers[i], NULL) == 0);
    }
    REQUIRE(atomic_load(&left) == times);
    REQUIRE(close(fd) == 0);
    printf("left %llu calls\n", (unsigned long long) left);
    return 0;
}
