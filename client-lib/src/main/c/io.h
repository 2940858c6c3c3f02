/* Reads, writes and what goes with them: one operation, in as many requests as it takes. */

#ifndef RBDW_IO_H
#define RBDW_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session.h"

/* A part of an operation. */
struct span {
    uint64_t offset; /* bytes from the operation's start */
    uint64_t length; /* bytes; of other ops than transfers 1 */
};

/* What a caller wants done, and how far it is. Transfers are split into pieces that fit the arena;
 * these complete in any order. The result counts the bytes that were done without a gap; a failure
 * counts only where nothing came before it, as with pread(2). */
struct operation {
    int op; /* of the schema's IoOp */
    uint32_t handle;
    int64_t position; /* in the image */
    uint64_t length;  /* bytes */
    int64_t begin;    /* TRUNCATE, EXTEND: of the file in the image; position is its new end */
    char *read_into;  /* READ */
    const char *write_from; /* WRITE */

    uint64_t submitted; /* bytes; of other ops, requests */
    uint64_t end;       /* bytes: nothing from here on counts */
    int64_t failure;    /* at end: 0 or an error */
    uint32_t in_flight;

    /* Pieces that a broker which is gone has not answered, in the order of submission. */
    struct span again[2 * CHANNEL_MAX_PIECES];
    uint32_t again_count;
};

/* What it is; the rest is io_begin's, and for the caller to add. */
static inline void io_init(struct operation *operation, int op, int64_t position, uint64_t length)
{
    operation->op = op;
    operation->position = position;
    operation->length = length;
    operation->begin = 0;
    operation->read_into = NULL;
    operation->write_from = NULL;
}

void io_begin(struct operation *operation);

/* Makes requests until all is answered. only_again: only those that had no answer. 0; -ENOTCONN where
 * the broker is gone, and what has no answer is in again; another error with its text. The channel is
 * the caller's. */
int io_run(struct session *session, struct channel *channel, struct operation *operation,
           bool only_again);

/* What had no answer has failed. error: positive. */
void io_fail_again(struct operation *operation, int error);

bool io_is_done(const struct operation *operation);

/* Whether it may change what the image holds. */
bool io_is_change(const struct operation *operation);

/* Of one that is done: bytes, or an error with its text. */
int64_t io_result(const struct operation *operation, const char *path);

#endif
