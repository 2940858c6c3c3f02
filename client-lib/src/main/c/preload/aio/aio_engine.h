/* Asynchronous I/O of a program on images, of whichever kind: a queue (queue.h), and what the queue
 * has opened for the program's open files. A Linux context has one (aio_context.h), and so has all of
 * POSIX (posix_aio.c).
 *
 * Under the engine's lock, if nothing else is said; that is not for signal handlers. */

#ifndef RBDW_AIO_ENGINE_H
#define RBDW_AIO_ENGINE_H

#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "calls.h"
#include "open_file.h"
#include "queue.h"

#define AIO_INLINE_VECTOR 8

/* A request of a program. */
struct aio_request {
    struct queue_request queued; /* first */
    struct aio_request *next;    /* its owner's, but for aio_request_give_back */
    struct open_file *file;      /* NULL once it is completed */
    uint64_t object;             /* the program's own: the address of its control block, */
    uint64_t data;               /* and what it wants back */
    int event_descriptor;        /* a duplicate, or -1 */
    enum call call;              /* which the report counts it for */
    bool is_held;                /* its owner's */
    bool has_image;              /* the file's image is open */
    bool then_flush;             /* the write is to be durable */
    int64_t written;             /* what it has written, while it flushes */
    struct iovec *vector;        /* own_vector or allocated */
    struct iovec own_vector[AIO_INLINE_VECTOR];
};

/* An image that the queue has opened for an open file. */
struct aio_image;

/* Begins as zeroes, in a child of its process again, and is not given back: other threads may look at it at any time. */
struct aio_engine {
    pthread_mutex_t lock;
    _Atomic(struct queue *) queue; /* NULL until it is needed */
    _Atomic(struct aio_image *) images;
    _Atomic bool image_ended; /* one waits for being closed */
    _Atomic uint32_t opened;  /* futex: images of which it is known by now whether they can be opened */
    bool is_known;            /* to aio_on_file_ended */
    struct aio_engine *next;
    uint32_t limit; /* requests at a time */
    uint32_t requests;
    struct aio_request *free;
};

/* Any thread; without the lock. In between is a stretch of held.h. */
void aio_engine_lock(struct aio_engine *engine);
void aio_engine_unlock(struct aio_engine *engine);

/* Makes the queue. depth: requests in flight that are wanted. 0 or an error. */
int aio_engine_begin(struct aio_engine *engine, uint32_t depth);

/* The same in two steps: what is prepared is not seen yet, and queue_destroy ends it. */
int aio_engine_prepare(uint32_t depth, struct queue **queue);
void aio_engine_use(struct aio_engine *engine, struct queue *queue);

/* Waits for all requests that the queue has, and ends it. */
void aio_engine_end(struct aio_engine *engine);

/* A request for this file, whose reference becomes the request's. Where the file's image is not open for the queue
 * yet, it may only be added with an error for its result. NULL where there are too many. */
struct aio_request *aio_request_take(struct aio_engine *engine, struct open_file *file,
                                     enum call call);
void aio_request_give_back(struct aio_engine *engine, struct aio_request *request);

/* Room for so many parts of a vector. 0 or an error. */
int aio_request_set_vector(struct aio_request *request, const struct iovec *vector, size_t count);

/* What a pread or pwrite of request->vector, a flush would be. The vector is set, the file's access
 * was checked. */
void aio_request_set_transfer(struct aio_request *request, bool is_write, size_t length,
                              off_t offset);
void aio_request_set_flush(struct aio_request *request);

/* Whether the file's image is open for the queue. It stays so as long as the file does. */
bool aio_engine_has_open(struct aio_engine *engine, const struct open_file *file);

/* Opens it where that is not done, which may take as long as its store does: without the lock. 0 or an error. */
int aio_engine_open(struct aio_engine *engine, struct open_file *file);

/* queue_start is the caller's. */
void aio_engine_add(struct aio_engine *engine, struct aio_request *request);

/* A request that is completed and holds its file no more; queued.result says how. Or NULL. */
struct aio_request *aio_engine_reap(struct aio_engine *engine);

/* A duplicate of the event descriptor that an iocb names, since the program may close its own before the
 * request is done; -1 where it names none. 0 or the kernel's error. Without the lock. */
int aio_event_descriptor(const struct iocb *iocb, int *duplicate);

/* Counts one more on it, and closes it. */
void aio_event_signal(int event_descriptor);

/* Once the program can see that the request is completed: who is woken looks at once. */
void aio_request_signal(struct aio_request *request);

/* An open file has ended, and with it what queues have open for it. Any thread, no lock. */
void aio_on_file_ended(const struct open_file *file);

#endif
