/* What the kernel completes in a context that images use, too: it is to be found in the ring that the program
 * sees (aio_ring.h), and not only in the kernel's.
 *
 * A request to the kernel in such a context signals an eventfd of ours: a thread, the ferry, waits there, and
 * moves the kernel's events into the ring; then it signals the program's own eventfd, which one must not be
 * woken by before. Those who call io_getevents take events from the kernel themselves. Requests from
 * before the first one on an image signal nothing of ours: the ferry looks for them now and then. */

#ifndef RBDW_AIO_FERRY_H
#define RBDW_AIO_FERRY_H

#include "aio_context.h"

/* io_submit of requests that are none of images. */
long aio_ferry_submit(struct aio_context *context, aio_context_t id, long count,
                      struct iocb **requests);

/* Events that came from the kernel, and go to the program by a call: how many are left without kicks. Without
 * a lock. */
long aio_ferry_meet(struct aio_context *context, struct io_event *events, long count);

/* Under the engine's lock. 0 or an error. */
int aio_ferry_start(struct aio_context *context);
void aio_ferry_wake(struct aio_context *context); /* the context is ending */

/* Without the lock. */
void aio_ferry_join(struct aio_context *context);

/* When the kernel has completed all, and nobody else is there. */
void aio_ferry_end(struct aio_context *context);

#endif
