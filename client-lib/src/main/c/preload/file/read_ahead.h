/* Small reads in sequence need not cost a round trip each: more is read than was asked for, and kept for
 * the reads that follow. What is kept is used only while the broker's change counter says that nobody on
 * this host has changed the image since before it was read, so each read gives what a round trip
 * would have given. Other hosts' changes are seen after READ_AHEAD_KEPT_NS at the latest. Never with O_DIRECT.
 *
 * Any thread, no lock, and signal handlers: whoever finds the state taken does without. */

#ifndef RBDW_READ_AHEAD_H
#define RBDW_READ_AHEAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "rbdw.h"

#define READ_AHEAD_KEPT_NS INT64_C(250000000)
#define READ_AHEAD_MAX_REQUEST (256 * 1024) /* bytes: a longer read goes its own way */

/* The read is to be done as if this were not there. */
#define READ_AHEAD_NOT_SERVED INT64_MIN

struct kept;

/* Of an open file. */
struct read_ahead {
    _Atomic uint32_t taken;  /* by whose token (taken.h), or 0 */
    _Atomic uint32_t is_off; /* by posix_fadvise */
    _Atomic int64_t next;    /* where the last read ended; any thread may set it while there is no streak */
    _Atomic uint32_t streak; /* reads that began there */
    struct kept *kept;       /* NULL until it is needed */
};

/* Begins with a file that is new, and ends with it. */
void read_ahead_begin(struct read_ahead *ahead);
void read_ahead_end(struct read_ahead *ahead);

/* Reads count bytes at offset of the image; left: bytes from offset on beyond which it must not read.
 * Bytes, 0 at the end, an error, or READ_AHEAD_NOT_SERVED. */
int64_t read_ahead_read(struct read_ahead *ahead, rbdw_file *image, void *buffer, size_t count,
                        int64_t offset, int64_t left);

#endif
