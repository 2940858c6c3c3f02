/* A process whose threads read and write random blocks of an image that others read and write, too, and
 * record what they did and saw as History.java reads it. Built twice: for librbdw, and as a program that
 * knows nothing of us (-DPRELOADED), half of whose threads use POSIX AIO.
 *
 * usage: rbdw_history PATH HISTORY CLIENT BLOCKS LENGTH THREADS ENDFILE */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef PRELOADED
#include <aio.h>
#else
#include <rbdw.h>
#endif

#define MAX_LENGTH (256 * 1024)
#define MAX_WORDS (MAX_LENGTH / 8)
#define MAX_THREADS 16
#define MAX_LINE (64 + MAX_WORDS * 24)

/* All at once for a while, so that many are under way when the broker ends; then a rest. */
#define BURST 40
#define REST_NS 40000000

struct slot {
    pthread_t thread;
    uint64_t number;
    uint64_t random;
    uint64_t sequence;
    char line[MAX_LINE];
    uint64_t words[MAX_WORDS];
};

static struct slot slots[MAX_THREADS];
static uint64_t client;
static uint64_t blocks;
static size_t length;
static const char *end;
static int record;

#ifdef PRELOADED
static int image;

static bool open_image(const char *path)
{
    image = open(path, O_RDWR | O_CLOEXEC);
    return image >= 0;
}

static ssize_t transfer_aio(struct slot *slot, bool is_write, off_t position)
{
    struct aiocb request = {.aio_fildes = image,
                            .aio_buf = slot->words,
                            .aio_nbytes = length,
                            .aio_offset = position};
    const struct aiocb *requests[] = {&request};
    if ((is_write ? aio_write(&request) : aio_read(&request)) < 0) {
        return -errno;
    }
    while (aio_error(&request) == EINPROGRESS) {
        aio_suspend(requests, 1, NULL);
    }
    int error = aio_error(&request);
    ssize_t done = aio_return(&request);
    return error != 0 ? -error : done;
}

static ssize_t transfer(struct slot *slot, bool is_write, off_t position)
{
    if (slot->number % 2 == 1) {
        return transfer_aio(slot, is_write, position);
    }
    ssize_t done = is_write ? pwrite(image, slot->words, length, position)
                            : pread(image, slot->words, length, position);
    return done < 0 ? -errno : done;
}
#else
static rbdw_file *image;

static bool open_image(const char *path)
{
    return rbdw_open(path, O_RDWR, &image) == 0;
}

static ssize_t transfer(struct slot *slot, bool is_write, off_t position)
{
    return is_write ? rbdw_pwrite(image, slot->words, length, position)
                    : rbdw_pread(image, slot->words, length, position);
}
#endif

static uint64_t next_random(struct slot *slot)
{
    slot->random ^= slot->random << 13;
    slot->random ^= slot->random >> 7;
    slot->random ^= slot->random << 17;
    return slot->random >> 11;
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* One call, which is there though this process is killed. */
static void append(const char *line, int bytes)
{
    if (write(record, line, (size_t) bytes) != bytes) {
        perror("rbdw_history");
        exit(1);
    }
}

static int put_runs(struct slot *slot, int bytes)
{
    size_t count = length / 8;
    size_t start = 0;
    for (size_t i = 1; i <= count; i++) {
        if (i == count || slot->words[i] != slot->words[start]) {
            bytes += sprintf(slot->line + bytes, " %" PRIx64 " %zu", slot->words[start], i - start);
            start = i;
        }
    }
    return bytes;
}

static void operate(struct slot *slot, bool is_write, uint64_t block)
{
    uint64_t value = 0;
    if (is_write) {
        value = client << 56 | slot->number << 40 | ++slot->sequence;
        for (size_t i = 0; i < length / 8; i++) {
            slot->words[i] = value;
        }
    }
    append(slot->line, sprintf(slot->line,
                               "i %" PRIu64 " %c %" PRIu64 " %" PRIx64 " %" PRId64 " .\n",
                               slot->number, is_write ? 'w' : 'r', block, value, now()));
    ssize_t done = transfer(slot, is_write, (off_t) (block * length));
    int bytes = sprintf(slot->line, "%c %" PRIu64 " %" PRId64, done < 0 ? 'e' : 'o', slot->number, now());
    if (done < 0) {
        bytes += sprintf(slot->line + bytes, " %zd", -done);
    } else if ((size_t) done != length) {
        bytes += sprintf(slot->line + bytes, "short");
    } else if (!is_write) {
        bytes = put_runs(slot, bytes);
    }
    bytes += sprintf(slot->line + bytes, " .\n");
    append(slot->line, bytes);
}

static void *work(void *argument)
{
    struct slot *slot = argument;
    while (access(end, F_OK) != 0) {
        uint64_t block = 0;
        for (int i = 0; i < BURST; i++) {
            /* now and then some in sequence, for which the preload library reads ahead */
            block = i >= BURST - 10 ? (block + 1) % blocks : next_random(slot) % blocks;
            operate(slot, i < BURST - 10 && next_random(slot) % 2 == 0, block);
        }
        struct timespec rest = {0, (long) (next_random(slot) % REST_NS)};
        nanosleep(&rest, NULL);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 8) {
        fprintf(stderr, "usage: rbdw_history PATH HISTORY CLIENT BLOCKS LENGTH THREADS ENDFILE\n");
        return 2;
    }
    client = strtoull(argv[3], NULL, 10);
    blocks = strtoull(argv[4], NULL, 10);
    length = strtoull(argv[5], NULL, 10);
    uint64_t threads = strtoull(argv[6], NULL, 10);
    end = argv[7];
    if (length % 8 != 0 || length > MAX_LENGTH || threads > MAX_THREADS) {
        fprintf(stderr, "rbdw_history: a block has up to %d bytes, in words; up to %d threads\n",
                MAX_LENGTH, MAX_THREADS);
        return 2;
    }
    record = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (record < 0 || !open_image(argv[1])) {
        perror("rbdw_history");
        return 1;
    }
    for (uint64_t i = 0; i < threads; i++) {
        slots[i].number = i;
        slots[i].random = (client * 1000 + i + 1) * UINT64_C(0x9E3779B97F4A7C15);
        if (pthread_create(&slots[i].thread, NULL, work, &slots[i]) != 0) {
            fprintf(stderr, "rbdw_history: no thread\n");
            return 1;
        }
    }
    for (uint64_t i = 0; i < threads; i++) {
        pthread_join(slots[i].thread, NULL);
    }
    return 0;
}
