/* Reads, writes and what goes with them: one operation, in as many requests as it takes. */

#ifndef RBDW_IO_H
#define RBDW_IO_H

#include <stdint.h>

#include "session.h"

/* What a caller wants done, and how far it is. Transfers are split into pieces that fit the arena;
 * these complete in any order. The result counts the bytes that were done without a gap; a failure
 * counts only where nothing came before it, as with pread(2). */
struct operation {
    int op; /* of the schema's IoOp */
    uint32_t handle;
    int64_t position; /* in the image */
    uint64_t length;  /* bytes */
    char *read_into;  /* READ */
    const char *write_from; /* WRITE */

    uint64_t submitted; /* bytes; of other ops, requests */
    uint64_t end;       /* bytes: nothing from here on counts */
    int64_t failure;    /* at end: 0 or an error */
    uint32_t in_flight;
};

/* Returns bytes done, or an error with its text. Safe in signal handlers. */
int64_t io_perform(struct session *session, struct operation *operation, const char *path);

#endif
