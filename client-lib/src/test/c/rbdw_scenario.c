/* Programs that do with an image what is hard on a library.
 *
 *     rbdw_scenario fork PATH      a child uses what its parent opened
 *     rbdw_scenario signals PATH   handlers read while their threads are inside reads
 *     rbdw_scenario doorbell PATH  a handler comes before a thread wakes the broker; it waits for
 *                                  another thread's read, then reads itself
 *     rbdw_scenario threads PATH   many more threads than channels
 *     rbdw_scenario long-handler PATH
 *                                  prints "reading", reads until the broker is stopped, prints "handling" when a
 *                                  handler has interrupted that read; the handler does not return before another
 *                                  thread has read, from the next broker
 *     rbdw_scenario truncate PATH  truncations and writes with gaps, beside a plain file that has the same
 *     rbdw_scenario until-gone PATH THREADS
 *                                  prints "ready", reads until the broker is gone, prints each
 *                                  thread's error as its number and text
 *
 * The image has at least 1 MiB (truncate: has 1 MiB) and is overwritten. Exit: 0; 1 with one line that says what is wrong;
 * 2 usage. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "rbdw.h"

#define BLOCK 4096
#define MAX_THREADS 64
#define THREADS 32
#define ROUNDS 300

static rbdw_file *image;
static const char *path;

static void fail(const char *what)
{
    printf("rbdw_scenario: %s (%s)\n", what, rbdw_error_text());
    fflush(stdout);
    _exit(1);
}

static void fill(char *block, uint64_t number)
{
    for (uint64_t i = 0; i < BLOCK; i += sizeof number) {
        uint64_t word = number << 32 | i;
        memcpy(block + i, &word, sizeof word);
    }
}

static void write_block(uint64_t at, uint64_t number)
{
    char block[BLOCK];
    fill(block, number);
    if (rbdw_pwrite(image, block, BLOCK, (off_t) at * BLOCK) != BLOCK) {
        fail("a write failed");
    }
}

static void expect_block(uint64_t at, uint64_t number)
{
    char block[BLOCK];
    char expected[BLOCK];
    fill(expected, number);
    if (rbdw_pread(image, block, BLOCK, (off_t) at * BLOCK) != BLOCK) {
        fail("a read failed");
    }
    if (memcmp(block, expected, BLOCK) != 0) {
        fail("a read gave other data");
    }
}

static void start(pthread_t *thread, void *(*run)(void *), void *argument)
{
    if (pthread_create(thread, NULL, run, argument) != 0) {
        fail("no thread");
    }
}

static void handle_signal_by(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGUSR1, &action, NULL);
}

static void in_child(void)
{
    for (uint64_t i = 0; i < ROUNDS; i++) {
        expect_block(0, 1); /* of the parent */
        write_block(1, i);
        expect_block(1, i);
    }
    if (rbdw_size(image) < 2 * BLOCK) {
        fail("the child does not see the image's size");
    }
    rbdw_file *own;
    if (rbdw_open(path, O_RDONLY, &own) < 0 || rbdw_close(own) < 0 || rbdw_close(image) < 0) {
        fail("the child cannot open and close");
    }
    _exit(0);
}

static void run_fork(void)
{
    int status;
    write_block(0, 1);
    pid_t child = fork();
    if (child == 0) {
        in_child();
    }
    for (uint64_t i = 0; i < ROUNDS; i++) { /* at the same time */
        write_block(2, i);
        expect_block(2, i);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        fail("the child failed");
    }
    expect_block(1, ROUNDS - 1); /* of the child */
}

#define SIGNALLED 8 /* more than there are channels: all are taken when a handler runs */

static _Atomic uint64_t handled;
static _Atomic uint32_t running;
static _Atomic bool signal_me[SIGNALLED]; /* one signal a round, or none would come to its end */
static __thread uint64_t own_number;

static void on_signal(int signal)
{
    (void) signal;
    int before = errno;
    expect_block(own_number, own_number);
    write_block(MAX_THREADS + own_number, own_number);
    atomic_fetch_add(&handled, 1);
    errno = before;
}

static void *read_under_signals(void *argument)
{
    own_number = (uint64_t) (uintptr_t) argument;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        atomic_store(&signal_me[own_number], true);
        write_block(own_number, own_number);
        expect_block(own_number, own_number);
    }
    atomic_fetch_sub(&running, 1);
    return NULL;
}

static void run_signals(void)
{
    pthread_t threads[SIGNALLED];
    handle_signal_by(on_signal);
    for (uint64_t i = 0; i < SIGNALLED; i++) {
        write_block(i, i);
    }
    atomic_store(&running, SIGNALLED);
    for (uintptr_t i = 0; i < SIGNALLED; i++) {
        start(&threads[i], read_under_signals, (void *) i);
    }
    while (atomic_load(&running) > 0) {
        usleep(20);
        for (int i = 0; i < SIGNALLED; i++) {
            if (atomic_exchange(&signal_me[i], false)) {
                pthread_kill(threads[i], SIGUSR1); /* not joined yet: also if it has ended */
            }
        }
    }
    for (int i = 0; i < SIGNALLED; i++) {
        pthread_join(threads[i], NULL);
    }
    if (atomic_load(&handled) == 0) {
        fail("no handler ran");
    }
}

#define DOORBELLS 50
#define LONGEST_WAIT_MS 30000

static __thread bool is_interrupted_at_doorbell;
static _Atomic uint32_t reads_wanted;
static _Atomic uint32_t reads_done;

/* The fourth argument of a write, which has three: the filter lets it pass. */
#define OURS 0x600d

#if defined(__x86_64__)
#define RESULT(context) ((context)->uc_mcontext.gregs[REG_RAX])
#elif defined(__aarch64__)
#define RESULT(context) ((context)->uc_mcontext.regs[0])
#endif

/* Instead of a write of eight bytes: a doorbell is the only thing that the library writes so. */
static void at_write(int signal, siginfo_t *info, void *interrupted)
{
    ucontext_t *context = interrupted;
    int before = errno;
    (void) signal;
    (void) info;
    if (is_interrupted_at_doorbell) {
        is_interrupted_at_doorbell = false;
        raise(SIGUSR1);
    }
#if defined(__x86_64__)
    const greg_t *words = context->uc_mcontext.gregs;
    long result = syscall(SYS_write, words[REG_RDI], words[REG_RSI], words[REG_RDX], OURS);
#else
    const unsigned long long *words = context->uc_mcontext.regs;
    long result = syscall(SYS_write, words[0], words[1], words[2], OURS);
#endif
    RESULT(context) = result < 0 ? -errno : result;
    errno = before;
}

/* The library makes its system calls itself: only the kernel can hold one up. */
static void trap_doorbells(void)
{
#define WORD(field) ((uint32_t) offsetof(struct seccomp_data, field))
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, WORD(nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, WORD(args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, sizeof(uint64_t), 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, WORD(args[3])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OURS, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    struct sigaction action = {.sa_sigaction = at_write, .sa_flags = SA_SIGINFO | SA_NODEFER};
    if (sigaction(SIGSYS, &action, NULL) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0
        || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
        fail("the kernel does not filter system calls");
    }
}

static void at_doorbell(int signal)
{
    int before = errno;
    (void) signal;
    uint32_t wanted = atomic_fetch_add(&reads_wanted, 1) + 1;
    for (int ms = 0; atomic_load(&reads_done) != wanted; ms++) {
        if (ms == LONGEST_WAIT_MS) {
            fail("the broker sleeps though another thread's request waits");
        }
        usleep(1000);
    }
    expect_block(0, 1);
    atomic_fetch_add(&handled, 1);
    errno = before;
}

static void *read_when_wanted(void *argument)
{
    (void) argument;
    for (uint32_t done = 0; done < DOORBELLS;) {
        if (atomic_load(&reads_wanted) == done) {
            usleep(100);
        } else {
            expect_block(0, 1);
            atomic_store(&reads_done, ++done);
        }
    }
    return NULL;
}

static void run_doorbell(void)
{
    pthread_t other;
    handle_signal_by(at_doorbell);
    trap_doorbells();
    write_block(0, 1);
    start(&other, read_when_wanted, NULL);
    for (uint64_t i = 0; atomic_load(&handled) < DOORBELLS; i++) {
        if (i == 100 * DOORBELLS) {
            fail("the broker hardly ever sleeps");
        }
        usleep(10 * 1000); /* and the broker looks no longer, and sleeps */
        is_interrupted_at_doorbell = true;
        expect_block(0, 1);
        is_interrupted_at_doorbell = false;
    }
    pthread_join(other, NULL);
}

static void *read_and_write(void *argument)
{
    uint64_t number = (uint64_t) (uintptr_t) argument;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        write_block(number, number << 16 | i);
        expect_block(number, number << 16 | i);
    }
    return NULL;
}

static void run_threads(void)
{
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) {
        start(&threads[i], read_and_write, (void *) i);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

static _Atomic uint64_t reads;
static _Atomic bool others_have_read;

static void await_others(int signal)
{
    int before = errno;
    (void) signal;
    atomic_fetch_add(&handled, 1);
    for (int i = 0; !atomic_load(&others_have_read); i++) {
        if (i > 6000) {
            fail("other threads wait for a handler");
        }
        usleep(10 * 1000);
    }
    errno = before;
}

static void *read_until_others_have(void *argument)
{
    (void) argument;
    while (!atomic_load(&others_have_read)) {
        expect_block(0, 1);
        atomic_fetch_add(&reads, 1);
    }
    return NULL;
}

static void run_long_handler(void)
{
    pthread_t reader;
    handle_signal_by(await_others);
    write_block(0, 1);
    start(&reader, read_until_others_have, NULL);
    printf("reading\n");
    fflush(stdout);
    for (uint64_t before = UINT64_MAX; before != atomic_load(&reads);) { /* until the broker is stopped */
        before = atomic_load(&reads);
        usleep(500 * 1000);
    }
    pthread_kill(reader, SIGUSR1);
    while (atomic_load(&handled) == 0) {
        usleep(1000);
    }
    printf("handling\n");
    fflush(stdout);
    expect_block(0, 1);
    atomic_store(&others_have_read, true);
    pthread_join(reader, NULL);
}

#define MODEL (1024 * 1024)
#define LONGEST 40000

static char on_image[MODEL];
static char on_plain[MODEL];
static char before[MODEL];

/* Up to the plain file's end the image has what that has, and behind it what was there before. */
static void compare_with(int plain)
{
    off_t length = lseek(plain, 0, SEEK_END);
    if (rbdw_pread(image, on_image, MODEL, 0) != MODEL || pread(plain, on_plain, MODEL, 0) != length) {
        fail("a read");
    }
    if (memcmp(on_image, on_plain, (size_t) length) != 0) {
        fail("not what the plain file has");
    }
    if (memcmp(on_image + length, before + length, (size_t) (MODEL - length)) != 0) {
        fail("changed behind the end");
    }
    memcpy(before, on_image, MODEL);
}

static void expect_refused(int result, int error, const char *what)
{
    if (result != -error) {
        fail(what);
    }
}

static void run_truncate(void)
{
    char bytes[LONGEST];
    uint64_t state = 4711;
    rbdw_file *reader;
    FILE *temporary = tmpfile();
    if (temporary == NULL || rbdw_open(path, O_RDONLY, &reader) < 0) {
        fail("open");
    }
    int plain = fileno(temporary);
    memset(before, 'b', MODEL);
    if (rbdw_pwrite(image, before, MODEL, 0) != MODEL || rbdw_truncate(image, 0) != 0) {
        fail("the first truncation");
    }
    for (int i = 0; i < 3 * ROUNDS; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        off_t at = (off_t) (state >> 33) % MODEL;
        size_t length = (size_t) (1 + (state >> 20) % LONGEST);
        length = length < (size_t) (MODEL - at) ? length : (size_t) (MODEL - at);
        if (i % 3 == 0) {
            at = i % 2 == 0 ? at : 0;
            if (rbdw_truncate(image, at) != 0 || ftruncate(plain, at) < 0) {
                fail("a truncation");
            }
        } else {
            memset(bytes, 1 + i % 255, length);
            if (rbdw_pwrite(image, bytes, length, at) != (ssize_t) length
                || pwrite(plain, bytes, length, at) != (ssize_t) length) {
                fail("a write");
            }
        }
        compare_with(plain);
    }
    expect_refused(rbdw_truncate(image, MODEL + 1), ENOSPC, "longer than the image");
    expect_refused(rbdw_truncate(image, -1), EINVAL, "less than nothing");
    expect_refused(rbdw_truncate(reader, 0), EBADF, "by who may not write");
    compare_with(plain);
    /* an open that truncates; and what was truncated is forgotten with the last that has done so */
    rbdw_close(image);
    if (rbdw_open(path, O_RDWR | O_TRUNC, &image) < 0 || ftruncate(plain, 0) < 0
        || rbdw_pwrite(image, "end", 3, LONGEST) != 3 || pwrite(plain, "end", 3, LONGEST) != 3) {
        fail("an open that truncates");
    }
    compare_with(plain);
    rbdw_close(image);
    if (rbdw_open(path, O_RDWR, &image) < 0 || rbdw_pwrite(image, "z", 1, MODEL - 1) != 1
        || pwrite(plain, before + LONGEST + 3, MODEL - LONGEST - 3, LONGEST + 3) != MODEL - LONGEST - 3
        || pwrite(plain, "z", 1, MODEL - 1) != 1) {
        fail("a write that follows no truncation");
    }
    compare_with(plain);
    rbdw_close(reader);
    fclose(temporary);
}

static void *read_until_gone(void *argument)
{
    char block[BLOCK];
    ssize_t n;
    (void) argument;
    while ((n = rbdw_pread(image, block, BLOCK, 0)) >= 0) {
    }
    flockfile(stdout);
    printf("%zd %s\n", -n, rbdw_error_text());
    funlockfile(stdout);
    return NULL;
}

static void run_until_gone(int count)
{
    pthread_t threads[MAX_THREADS];
    printf("ready\n");
    fflush(stdout);
    for (int i = 0; i < count; i++) {
        start(&threads[i], read_until_gone, NULL);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
}

int main(int argc, char **argv)
{
    const char *scenario = argc > 2 ? argv[1] : "";
    int count = argc > 3 ? atoi(argv[3]) : 1;
    path = argc > 2 ? argv[2] : "";
    if (argc < 3 || count < 1 || count > MAX_THREADS) {
        fprintf(stderr, "usage: rbdw_scenario fork|signals|doorbell|threads|truncate|long-handler|until-gone PATH [THREADS]\n");
        return 2;
    }
    if (rbdw_open(path, strcmp(scenario, "until-gone") == 0 ? O_RDONLY : O_RDWR, &image) < 0) {
        fail("open");
    }
    if (strcmp(scenario, "fork") == 0) {
        run_fork();
    } else if (strcmp(scenario, "signals") == 0) {
        run_signals();
    } else if (strcmp(scenario, "doorbell") == 0) {
        run_doorbell();
    } else if (strcmp(scenario, "threads") == 0) {
        run_threads();
    } else if (strcmp(scenario, "truncate") == 0) {
        run_truncate();
    } else if (strcmp(scenario, "long-handler") == 0) {
        run_long_handler();
    } else if (strcmp(scenario, "until-gone") == 0) {
        run_until_gone(count);
    } else {
        fail("no such scenario");
    }
    if (rbdw_close(image) < 0) {
        fail("close");
    }
    return 0;
}
