/* How a program is told that an asynchronous request, or a list of them, is completed: sigevent(7). */

#ifndef RBDW_POSIX_AIO_NOTIFY_H
#define RBDW_POSIX_AIO_NOTIFY_H

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>

/* The requests of one lio_listio; allocated, and freed when the last of them is completed. */
struct posix_aio_group {
    _Atomic uint32_t left; /* of them, and one for who makes it */
    struct sigevent event;
};

/* A signal, or a thread that makes the call; nothing. Any thread, without the engine's lock. */
void posix_aio_notify(const struct sigevent *event);

/* One of the group is completed. Likewise. */
void posix_aio_leave_group(struct posix_aio_group *group);

#endif
