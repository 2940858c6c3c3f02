/* An open file of this library, as succession.c has to know it. */

#ifndef RBDW_FILE_H
#define RBDW_FILE_H

#include <stdatomic.h>
#include <stdint.h>

#include "session.h"

struct rbdw_file {
    _Atomic(struct session *) session; /* changes in a child, and with the broker */
    _Atomic uint32_t handle;           /* in that session; stored before it */
    _Atomic int failure;               /* it could not be opened with the broker that came: why */
    int access_mode;

    /* Under the lock. */
    struct rbdw_file *next;
    struct image_id id;
    struct session *next_session; /* where it is open already, but not in use yet */
    uint32_t next_handle;         /* in that */

    char path[];
};

#endif
