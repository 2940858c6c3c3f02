/* A process in which a sequence runs, on the image or on the plain file. */

#ifndef WORLD_H
#define WORLD_H

#include <stddef.h>
#include <stdint.h>

#include "operation.h"

typedef int bool_t;

#define SLOTS 6
#define SPELLINGS 7

/* What an operation gave. */
struct outcome {
    int64_t result;
    int32_t error;  /* errno where result is -1 */
    uint32_t extra; /* a checksum of what was read or told */
    int64_t positions[SLOTS];
    bool_t has_run;
};

struct world {
    const char *path;      /* the file or image */
    const char *name;      /* its last component */
    const char *directory; /* where it is */
    const char *link;      /* a symbolic link to it */
    bool_t is_image;
    const char *program; /* argv[0] */
    struct outcome outcomes[MAX_OPERATIONS + 1]; /* the last: the whole file at the end */
};

/* Runs those operations whose keep is set, from a file that was filled from the seed. Does not return:
 * the process exits with 0. Without an image a full file system stands in for its fixed size: writes
 * end where RLIMIT_FSIZE says, and EFBIG counts as ENOSPC. */
void world_run(struct world *world, const struct operation *operations, const bool_t *keep,
               int count, uint32_t seed) __attribute__((noreturn));

/* In a program that an EXEC operation has made: uses descriptor fd, and returns what main returns. */
int world_run_as_child(int fd);

uint32_t checksum(const void *bytes, size_t length);
void fill_bytes(void *bytes, size_t length, uint32_t seed);

#endif
