/* Processes that use an image and are killed at some instant of it.
 *
 *     rbdw_churn PATH KILLS AT_ONCE SEED
 *
 * AT_ONCE children at a time open the image, and read, write, discard and flush it from 1 to 3 threads,
 * each until it is killed, 0 to 20 ms after its start; then the next one takes its place. The image has
 * at least 2 MiB and is overwritten. Prints "killed KILLS". Exit: 0; 1 with one line that says what is
 * wrong: a child that failed instead; 2 usage. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rbdw.h"

#define MAX_AT_ONCE 64
#define MAX_THREADS 3
#define LONGEST_LIFE_NS 20000000
#define TRANSFER (1024 * 1024)

struct child {
    pid_t pid;
    int64_t end_ns;
};

static rbdw_file *image;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "rbdw_churn: %s (%s)\n", what, rbdw_error_text());
    _exit(1);
}

static void *use(void *seed)
{
    uint64_t random = (uint64_t) (uintptr_t) seed | 1;
    char *buffer = malloc(TRANSFER);
    if (buffer == NULL) {
        fail("no memory");
    }
    memset(buffer, 'x', TRANSFER);
    while (1) {
        size_t length = next_random(&random) % (next_random(&random) % 8 == 0 ? TRANSFER : 8192) + 1;
        off_t offset = (off_t) (next_random(&random) % TRANSFER);
        ssize_t done = 0;
        switch (next_random(&random) % 8) {
        case 0:
            done = rbdw_flush(image);
            break;
        case 1:
            done = rbdw_discard(image, offset, (off_t) length);
            break;
        case 2:
            done = rbdw_write_zeroes(image, offset, (off_t) length);
            break;
        case 3:
        case 4:
        case 5:
            done = rbdw_pwrite(image, buffer, length, offset);
            break;
        default:
            done = rbdw_pread(image, buffer, length, offset);
        }
        if (done < 0) {
            fail("an operation failed");
        }
    }
    return NULL;
}

static _Noreturn void live(const char *path, uint64_t seed)
{
    if (rbdw_open(path, seed % 4 == 0 ? O_RDONLY : O_RDWR, &image) < 0) {
        fail("open");
    }
    if (seed % 4 == 0) {
        char block[4096];
        while (rbdw_pread(image, block, sizeof block, 0) >= 0) {
        }
        fail("a read failed");
    }
    for (uint64_t i = 1; i < seed % MAX_THREADS + 1; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, use, (void *) (uintptr_t) (seed + i)) != 0) {
            fail("no thread");
        }
    }
    use((void *) (uintptr_t) seed);
    _exit(1);
}

static void start(struct child *child, const char *path, uint64_t *random)
{
    uint64_t seed = next_random(random) >> 1;
    child->end_ns = now_ns() + (int64_t) (next_random(random) % LONGEST_LIFE_NS);
    child->pid = fork();
    if (child->pid < 0) {
        fail("fork");
    }
    if (child->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* whoever kills this program has killed them all */
        live(path, seed);
    }
}

static void end(const struct child *child)
{
    int64_t left = child->end_ns - now_ns();
    if (left > 0) {
        nanosleep(&(struct timespec) {.tv_nsec = left}, NULL);
    }
    int status;
    kill(child->pid, SIGKILL);
    if (waitpid(child->pid, &status, 0) != child->pid || !WIFSIGNALED(status)) {
        fail("a child ended by itself");
    }
}

int main(int argc, char **argv)
{
    struct child children[MAX_AT_ONCE] = {0};
    long kills = argc == 5 ? strtol(argv[2], NULL, 10) : 0;
    long at_once = argc == 5 ? strtol(argv[3], NULL, 10) : 0;
    if (kills < 1 || at_once < 1 || at_once > MAX_AT_ONCE) {
        fprintf(stderr, "usage: rbdw_churn PATH KILLS AT_ONCE SEED\n");
        return 2;
    }
    uint64_t random = strtoull(argv[4], NULL, 10) * 2654435761 + 1;
    for (long i = 0; i < kills + at_once; i++) {
        struct child *child = &children[i % at_once];
        if (i >= at_once) {
            end(child);
        }
        if (i < kills) {
            start(child, argv[1], &random);
        }
    }
    printf("killed %ld\n", kills);
    return 0;
}
