/* Compares an image with a plain file, the model, under random reads, writes, discards and zeroing
 * by several threads.
 *
 *     rbdw_model PATH MODELFILE SEED THREADS SECONDS [PART PARTS]
 *
 * The image is cut into stripes, which are dealt out to the threads; with PART (0 to PARTS - 1) to
 * the threads of several processes on one image and one model. A thread touches only its stripes, so
 * each knows what must be there. What was there before is overwritten.
 *
 * Exit: 0; 1 with the seed and the first difference; 2 usage. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rbdw.h"

#define MAX_LENGTH (3 * 1024 * 1024)
#define STRIPES_A_THREAD 5

struct worker {
    pthread_t thread;
    uint64_t random;
    uint64_t number; /* among all threads of all processes */
    uint64_t operations;
    char *ours;
    char *models;
};

static rbdw_file *image;
static int model;
static const char *path;
static uint64_t seed;
static uint64_t threads_in_all;
static int64_t size;
static int64_t stripe_length;
static time_t end;
static _Atomic bool failed;

static uint64_t next_random(struct worker *worker)
{
    uint64_t x = worker->random; /* xorshift64* */
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    worker->random = x;
    return x * UINT64_C(0x2545F4914F6CDD1D);
}

static void fail(const struct worker *worker, const char *what, int64_t offset, int64_t length,
                 const char *why)
{
    if (!atomic_exchange(&failed, true)) {
        printf("rbdw_model: seed %" PRIu64 ", thread %" PRIu64 ", operation %" PRIu64
               ": %s of %" PRId64 " bytes at %" PRId64 " of %s: %s\n",
               seed, worker->number, worker->operations, what, length, offset, path, why);
    }
}

static bool expect(const struct worker *worker, const char *what, int64_t offset, int64_t length,
                   int64_t expected, int64_t result)
{
    if (result != expected) {
        char why[600];
        snprintf(why, sizeof why, "%" PRId64 " where %" PRId64 " was expected %s%s%s", result,
                 expected, result < 0 ? "(" : "", result < 0 ? rbdw_error_text() : "",
                 result < 0 ? ")" : "");
        fail(worker, what, offset, length, why);
        return false;
    }
    return true;
}

static bool model_read(struct worker *worker, int64_t offset, int64_t length)
{
    if (pread(model, worker->models, (size_t) length, offset) != length) {
        fail(worker, "read of the model", offset, length, strerror(errno));
        return false;
    }
    return true;
}

static bool model_write(struct worker *worker, const char *data, int64_t offset, int64_t length)
{
    if (pwrite(model, data, (size_t) length, offset) != length) {
        fail(worker, "write of the model", offset, length, strerror(errno));
        return false;
    }
    return true;
}

/* Of a transfer that ended early: the one of what is left says why, or goes through, which must not be. */
static int64_t why_short(int64_t n, int64_t rest)
{
    return rest < 0 ? rest : n;
}

/* zero_is_right: after a discard, which may leave a byte or clear it. */
static bool read_and_compare(struct worker *worker, int64_t offset, int64_t length,
                             bool zero_is_right)
{
    memset(worker->ours, 0xa5, (size_t) length);
    int64_t n = rbdw_pread(image, worker->ours, (size_t) length, offset);
    if (n > 0 && n < length) {
        n = why_short(n, rbdw_pread(image, worker->ours + n, (size_t) (length - n), offset + n));
    }
    if (!expect(worker, "read", offset, length, length, n) || !model_read(worker, offset, length)) {
        return false;
    }
    if (memcmp(worker->ours, worker->models, (size_t) length) == 0) {
        return true;
    }
    for (int64_t i = 0; i < length; i++) {
        if (worker->ours[i] != worker->models[i] && !(zero_is_right && worker->ours[i] == 0)) {
            char why[100];
            snprintf(why, sizeof why, "first difference at %" PRId64 ": %02x where the model has %02x",
                     offset + i, (unsigned char) worker->ours[i],
                     (unsigned char) worker->models[i]);
            fail(worker, "read", offset, length, why);
            return false;
        }
    }
    return true;
}

static bool write_random(struct worker *worker, int64_t offset, int64_t length)
{
    for (int64_t i = 0; i < length; i += 8) {
        uint64_t random = next_random(worker);
        memcpy(worker->ours + i, &random, 8); /* the buffer has room for it */
    }
    int64_t n = rbdw_pwrite(image, worker->ours, (size_t) length, offset);
    if (n > 0 && n < length) {
        n = why_short(n, rbdw_pwrite(image, worker->ours + n, (size_t) (length - n), offset + n));
    }
    return expect(worker, "write", offset, length, length, n)
           && model_write(worker, worker->ours, offset, length);
}

static bool write_zeroes(struct worker *worker, int64_t offset, int64_t length)
{
    memset(worker->ours, 0, (size_t) length);
    return expect(worker, "write zeroes", offset, length, 0,
                  rbdw_write_zeroes(image, offset, length))
           && model_write(worker, worker->ours, offset, length);
}

static bool discard(struct worker *worker, int64_t offset, int64_t length)
{
    return expect(worker, "discard", offset, length, 0, rbdw_discard(image, offset, length))
           && read_and_compare(worker, offset, length, true)
           && model_write(worker, worker->ours, offset, length);
}

/* Across the end, and at it. */
static bool try_the_end(struct worker *worker)
{
    int64_t left = (int64_t) (next_random(worker) % 1000) + 1;
    int64_t offset = size - left;
    int64_t length = left + (int64_t) (next_random(worker) % MAX_LENGTH) - 1000;
    if (length < left) {
        length = left;
    }
    if (!model_read(worker, offset, left)) {
        return false;
    }
    return expect(worker, "write across the end", offset, length, left,
                  rbdw_pwrite(image, worker->models, (size_t) length, offset))
           && expect(worker, "read across the end", offset, length, left,
                     rbdw_pread(image, worker->ours, (size_t) length, offset))
           && expect(worker, "write at the end", size, length, -ENOSPC,
                     rbdw_pwrite(image, worker->models, (size_t) length, size))
           && expect(worker, "read at the end", size, length, 0,
                     rbdw_pread(image, worker->ours, (size_t) length, size));
}

static bool step(struct worker *worker)
{
    int64_t stripe = (int64_t) (worker->number
                                + threads_in_all * (next_random(worker) % STRIPES_A_THREAD));
    bool last = stripe == (int64_t) threads_in_all * STRIPES_A_THREAD - 1;
    int64_t start = stripe * stripe_length;
    int64_t stripe_end = last ? size : start + stripe_length;
    /* half of them small, as programs do; the others up to the longest */
    uint64_t limit = next_random(worker) % 2 == 0 ? 8192 : MAX_LENGTH;
    int64_t offset = start + (int64_t) (next_random(worker) % (uint64_t) (stripe_end - start));
    int64_t length = (int64_t) (next_random(worker) % limit) + 1;
    if (length > stripe_end - offset) {
        length = stripe_end - offset;
    }
    worker->operations++;
    switch (next_random(worker) % 16) {
    case 0:
        return discard(worker, offset, length);
    case 1:
        return write_zeroes(worker, offset, length);
    case 2:
        return last ? try_the_end(worker) : expect(worker, "flush", 0, 0, 0, rbdw_flush(image));
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
        return write_random(worker, offset, length);
    default:
        return read_and_compare(worker, offset, length, false);
    }
}

static bool for_all(struct worker *worker, bool (*action)(struct worker *, int64_t, int64_t))
{
    for (int64_t i = 0; i < STRIPES_A_THREAD; i++) {
        int64_t stripe = (int64_t) worker->number + (int64_t) threads_in_all * i;
        bool last = stripe == (int64_t) threads_in_all * STRIPES_A_THREAD - 1;
        int64_t offset = stripe * stripe_length;
        int64_t stripe_end = last ? size : offset + stripe_length;
        while (offset < stripe_end) {
            int64_t left = stripe_end - offset;
            int64_t length = left < MAX_LENGTH ? left : MAX_LENGTH;
            if (!action(worker, offset, length)) {
                return false;
            }
            offset += length;
        }
    }
    return true;
}

static bool compare(struct worker *worker, int64_t offset, int64_t length)
{
    return read_and_compare(worker, offset, length, false);
}

static void *run(void *argument)
{
    struct worker *worker = argument;
    bool good = for_all(worker, write_zeroes);
    while (good && !atomic_load(&failed) && time(NULL) < end) {
        good = step(worker);
    }
    if (good && !atomic_load(&failed)) {
        for_all(worker, compare);
    }
    return NULL;
}

static void *allocate(size_t length)
{
    void *memory = calloc(1, length);
    if (memory == NULL) {
        fprintf(stderr, "rbdw_model: no memory\n");
        exit(1);
    }
    return memory;
}

int main(int argc, char **argv)
{
    if (argc != 6 && argc != 8) {
        fprintf(stderr, "usage: rbdw_model PATH MODELFILE SEED THREADS SECONDS [PART PARTS]\n");
        return 2;
    }
    path = argv[1];
    seed = strtoull(argv[3], NULL, 10);
    uint64_t threads = strtoull(argv[4], NULL, 10);
    uint64_t part = argc == 8 ? strtoull(argv[6], NULL, 10) : 0;
    uint64_t parts = argc == 8 ? strtoull(argv[7], NULL, 10) : 1;
    threads_in_all = threads * parts;
    if (threads == 0 || part >= parts) {
        fprintf(stderr, "rbdw_model: no threads, or a part that is not among the parts\n");
        return 2;
    }
    end = time(NULL) + atol(argv[5]);
    if (rbdw_open(path, O_RDWR, &image) < 0 || (size = rbdw_size(image)) < 0) {
        fprintf(stderr, "rbdw_model: %s\n", rbdw_error_text());
        return 1;
    }
    model = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    stripe_length = size / (int64_t) (threads_in_all * STRIPES_A_THREAD);
    stripe_length -= stripe_length % 2 == 0 ? 1 : 0; /* odd: stripes share blocks and pages */
    if (model < 0 || ftruncate(model, size) < 0 || stripe_length < 1) {
        fprintf(stderr, "rbdw_model: %s with %" PRId64 " bytes: %s\n", argv[2], size,
                strerror(errno));
        return 1;
    }
    struct worker *workers = allocate(threads * sizeof *workers);
    for (uint64_t i = 0; i < threads; i++) {
        struct worker *worker = &workers[i];
        worker->number = part * threads + i;
        worker->random = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15) ^ (worker->number + 1);
        worker->ours = allocate(MAX_LENGTH + 8);
        worker->models = allocate(MAX_LENGTH + 8);
        if (pthread_create(&worker->thread, NULL, run, worker) != 0) {
            fprintf(stderr, "rbdw_model: no thread\n");
            return 1;
        }
    }
    uint64_t operations = 0;
    for (uint64_t i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        operations += workers[i].operations;
        free(workers[i].ours);
        free(workers[i].models);
    }
    free(workers);
    if (rbdw_close(image) < 0 && !failed) {
        printf("rbdw_model: %s\n", rbdw_error_text());
        return 1;
    }
    if (!failed) {
        printf("rbdw_model: seed %" PRIu64 ": %" PRIu64 " operations, no difference\n", seed,
               operations);
    }
    return failed ? 1 : 0;
}
