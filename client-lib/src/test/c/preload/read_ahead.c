/* read_ahead coherence FILE CHANGES: reads FILE from its beginning to its end, again and again, while another
 * process, the reader itself and its thread change blocks that are to be read soon: each read must give
 * what was last written. Ends when so many changes were made.
 *
 * read_ahead sequence FILE BYTES: reads FILE once, so many bytes at a time, says so, and waits for its stdin
 * to end. */

#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK 4096
#define MAX_AHEAD 80

struct change {
    uint64_t block;
    uint64_t stamp;
};

static int image;
static const char *path;

static void write_block(int fd, const struct change *change)
{
    uint64_t words[BLOCK / 8];
    for (size_t i = 0; i < BLOCK / 8; i++) {
        words[i] = change->stamp;
    }
    if (pwrite(fd, words, BLOCK, (off_t) change->block * BLOCK) != BLOCK) {
        err(1, "pwrite of %s", path);
    }
}

/* The other process. */
static void serve(int requests, int answers)
{
    struct change change;
    int fd = open(path, O_RDWR);
    if (fd < 0) {
        err(1, "%s", path);
    }
    while (read(requests, &change, sizeof change) == sizeof change) {
        write_block(fd, &change);
        if (write(answers, &change, sizeof change) != sizeof change) {
            err(1, "pipe");
        }
    }
    exit(0);
}

static void *by_thread(void *change)
{
    write_block(image, change);
    return NULL;
}

static void check(const uint64_t *words, uint64_t block, uint64_t expected)
{
    for (size_t i = 0; i < BLOCK / 8; i++) {
        if (words[i] != expected) {
            errx(1, "block %llu has %llu at %zu, not %llu", (unsigned long long) block,
                 (unsigned long long) words[i], i * 8, (unsigned long long) expected);
        }
    }
}

static void make(const struct change *change, int by, int requests, int answers)
{
    struct change answer;
    pthread_t thread;
    switch (by) {
    case 0:
        if (write(requests, change, sizeof *change) != sizeof *change
            || read(answers, &answer, sizeof answer) != sizeof answer) {
            errx(1, "the other process has ended");
        }
        break;
    case 1:
        write_block(image, change);
        break;
    default:
        if (pthread_create(&thread, NULL, by_thread, (void *) change) != 0
            || pthread_join(thread, NULL) != 0) {
            errx(1, "thread");
        }
    }
}

static int coherence(long changes)
{
    int requests[2], answers[2];
    struct stat status;
    uint64_t words[2 * BLOCK / 8];
    if (pipe(requests) < 0 || pipe(answers) < 0) {
        err(1, "pipe");
    }
    pid_t other = fork();
    if (other == 0) {
        close(requests[1]);
        serve(requests[0], answers[1]);
    }
    image = open(path, O_RDWR);
    if (image < 0 || fstat(image, &status) < 0) {
        err(1, "%s", path);
    }
    uint64_t blocks = (uint64_t) status.st_size / BLOCK;
    uint64_t *stamps = calloc(blocks, sizeof *stamps);
    for (uint64_t i = 0; i < blocks; i++) {
        stamps[i] = i + 1;
        write_block(image, &(struct change) {i, stamps[i]});
    }
    long made = 0;
    while (made < changes) {
        lseek(image, 0, SEEK_SET);
        size_t at_once = (size_t) (rand() % 2) + 1; /* blocks a read */
        for (uint64_t block = 0; block < blocks;) {
            if (rand() % 24 == 0) {
                struct change change = {block + (uint64_t) (rand() % MAX_AHEAD), (uint64_t) rand()};
                if (change.block < blocks) {
                    make(&change, rand() % 3, requests[1], answers[0]);
                    stamps[change.block] = change.stamp;
                    made++;
                }
            }
            ssize_t got = read(image, words, at_once * BLOCK);
            if (got <= 0 || got % BLOCK != 0) {
                err(1, "read of %zu bytes at block %llu gave %zd", at_once * BLOCK,
                    (unsigned long long) block, got);
            }
            for (ssize_t i = 0; i < got / BLOCK; i++, block++) {
                check(words + i * (BLOCK / 8), block, stamps[block]);
            }
        }
        if (read(image, words, BLOCK) != 0) {
            errx(1, "something stands after the end");
        }
    }
    close(requests[1]);
    int result;
    waitpid(other, &result, 0);
    printf("each read gave what was written last\n");
    return result;
}

static int sequence(size_t bytes)
{
    char *buffer = malloc(bytes);
    char end;
    ssize_t got;
    long reads = 0;
    image = open(path, O_RDONLY);
    while ((got = read(image, buffer, bytes)) > 0) {
        reads++;
    }
    if (image < 0 || got < 0) {
        err(1, "%s", path);
    }
    printf("%ld reads\n", reads);
    fflush(stdout);
    while (read(0, &end, 1) > 0) {
    }
    return 0;
}

int main(int count, char **arguments)
{
    if (count != 4) {
        errx(2, "usage: read_ahead coherence FILE CHANGES | sequence FILE BYTES");
    }
    path = arguments[2];
    return strcmp(arguments[1], "coherence") == 0 ? coherence(atol(arguments[3]))
                                                  : sequence((size_t) atol(arguments[3]));
}
