/* The thread that takes the answers for a context's requests on images and puts them in its ring, where
 * nobody is known to ask for them. It has one of two roles:
 *
 *   watches    Most programs call io_getevents, and take the answers there without another thread's help. The
 *              courier looks now and then; where no such call was made since, it puts there what has come.
 *   delivers   as soon as it comes. From then on, for as long as the context lives: once the program has
 *              moved the ring's head itself; where an eventfd is to be signalled; and where those who wait
 *              sleep in the kernel (aio_context.h).
 *
 * Under the engine's lock, if nothing else is said. */

#ifndef RBDW_AIO_COURIER_H
#define RBDW_AIO_COURIER_H

#include "aio_context.h"

/* In this role or a higher one from here on. 0 or an error. */
int aio_courier_start(struct aio_context *context, enum courier_role role);

/* After requests were added to the queue: starts them. */
void aio_courier_notice(struct aio_context *context);

/* Puts the answers that have come into the ring, for the caller to take them. */
void aio_courier_collect(struct aio_context *context);

/* The context is ending. */
void aio_courier_wake(struct aio_context *context);

/* Without the lock. */
void aio_courier_join(struct aio_context *context);

#endif
