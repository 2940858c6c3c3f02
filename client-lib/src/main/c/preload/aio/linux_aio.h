/* Linux' asynchronous I/O by number, for syscall(2). Each returns what the call of that name in
 * libaio does: a negative errno, and errno as it was. */

#ifndef RBDW_LINUX_AIO_H
#define RBDW_LINUX_AIO_H

#include <linux/aio_abi.h>
#include <signal.h>
#include <time.h>

extern int io_setup(int limit, aio_context_t *id);
extern int io_destroy(aio_context_t id);
extern int io_submit(aio_context_t id, long count, struct iocb **requests);
extern int io_getevents(aio_context_t id, long least, long most, struct io_event *events,
                        struct timespec *timeout);
extern int io_pgetevents(aio_context_t id, long least, long most, struct io_event *events,
                         struct timespec *timeout, sigset_t *mask);

#endif
