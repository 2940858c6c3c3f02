/* The requests of POSIX' asynchronous I/O that are on images: one queue (aio_engine.h) for all, and a
 * thread, the courier, that takes its answers to the programs' aiocbs. Begun by the first request, in a
 * child of the process anew.
 *
 * A request's state stands in its aiocb, in the fields that the C library uses for its own requests:
 * so aio_error and aio_return need no hook. In __policy, which the C library reads of its own requests
 * only and sets anew for each, stands whose it is. */

#ifndef RBDW_POSIX_AIO_REQUESTS_H
#define RBDW_POSIX_AIO_REQUESTS_H

#include <aio.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "aio_engine.h"
#include "posix_aio_notify.h"

/* A futex: changes whenever a request is completed. */
extern _Atomic uint32_t posix_aio_done;

/* call: aio_read, aio_write or aio_fsync. file: the reference becomes the request's. group: NULL where it
 * is of none. Any thread. 0 or an error. */
int posix_aio_submit(struct aiocb *block, enum call call, struct open_file *file,
                     struct posix_aio_group *group);

/* What aio_error(3) says. Any thread, signal handlers. */
int posix_aio_error_of(const struct aiocb *block);

/* False of the C library's own requests, too. Any thread, signal handlers. */
bool posix_aio_is_under_way(const struct aiocb *block);

/* Whether any request that was made with this descriptor is under way. Any thread. */
bool posix_aio_any_under_way(int fd);

/* Until posix_aio_done changes from seen. 0, -EINTR, or -EAGAIN at the deadline (of futex_now_ns;
 * INT64_MAX: none), as aio_suspend(3) has it. Any thread, signal handlers. */
int posix_aio_sleep(uint32_t seen, int64_t deadline_ns);

#endif
