/* An open file of this library, as succession.c has to know it. */

#ifndef RBDW_FILE_H
#define RBDW_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "control.h"
#include "io.h"
#include "session.h"

struct rbdw_file {
    _Atomic(struct session *) session; /* changes in a child, and with the broker */
    _Atomic uint32_t handle;           /* in that session; stored before it */
    _Atomic int failure;               /* it could not be opened with the broker that came: why */
    struct open_source source;

    /* Its logical end: file_end.c. */
    _Atomic int end_state;
    int64_t end_begin;  /* bytes: where in the image the file begins; stored before the state */
    int64_t end_length; /* bytes: of the file, at most */
    _Atomic(const _Atomic int64_t *) known_end; /* bytes, in the file; NULL: nobody keeps it here */

    /* Under the lock. */
    struct rbdw_file *next;
    struct image_id id;
    int64_t size_at_open;         /* bytes; CONTROL_SIZE_UNKNOWN: the broker did not say */
    struct session *next_session; /* where it is open already, but not in use yet */
    uint32_t next_handle;         /* in that */
    int placeholder;              /* by which image_open_shared opens it */
    struct image_share *share;    /* likewise: what it finds */

    char path[IMAGE_MAX_PATH];
};

/* Has the broker do it, and the next one where that is gone. Bytes, or an error with its text. */
int64_t file_perform(struct rbdw_file *file, struct operation *operation);

/* Begins a request on the session in which the file is open: with its handle there. 0 or an error. */
int file_begin_request(struct rbdw_file *file, struct session **session, uint32_t *handle);

/* True where the request is to be made again, of the next broker. */
bool file_end_request(struct session *session, int error);

/* Of a file that is open anew: where it was truncated, its logical end goes on. */
int file_keep_end(const struct rbdw_file *file, struct control *control, uint32_t handle);

#endif
