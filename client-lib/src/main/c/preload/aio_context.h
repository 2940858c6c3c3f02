/* The contexts of Linux' asynchronous I/O (io_setup), and what images add to one.
 *
 * A context is the kernel's, and the kernel serves what does not concern images. The first io_submit
 * that holds an image's descriptor ties a queue (queue.h) to it. Events are then of two kinds, and
 * who waits for them waits for both:
 *
 *   only images, so far      it sleeps in queue_await
 *   both kinds, or a signal  it sleeps in the kernel's io_getevents; a thread of ours, the courier,
 *   mask, or an eventfd      waits for the images' answers, and wakes it by a request to the kernel
 *                            that is done at once (a kick), whose event nobody else sees
 *
 * A context's lock is not for signal handlers. */

#ifndef RBDW_AIO_CONTEXT_H
#define RBDW_AIO_CONTEXT_H

#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "open_file.h"
#include "queue.h"

#define AIO_INLINE_VECTOR 8

/* A request of a program on an image. */
struct aio_request {
    struct queue_request queued; /* first */
    struct aio_request *next;    /* of those that are free or completed */
    struct open_file *file;      /* NULL once it is completed */
    uint64_t data;               /* of the iocb */
    uint64_t object;             /* its address */
    int event_descriptor;        /* a duplicate, or -1 */
    bool then_flush;             /* the write is to be durable */
    int64_t written;             /* what it has written, while it flushes */
    struct iovec *vector;        /* own_vector or allocated */
    struct iovec own_vector[AIO_INLINE_VECTOR];
};

/* An image that the queue has opened for an open file. */
struct aio_image {
    _Atomic(struct aio_image *) next;
    _Atomic(struct open_file *) file;
    _Atomic uint32_t state;
    uint32_t handle;
};

struct aio_context {
    _Atomic aio_context_t id; /* 0: the slot is free */
    _Atomic uint32_t users;   /* calls under way */
    _Atomic uint32_t ending;  /* io_destroy */
    _Atomic(struct queue *) queue;
    _Atomic bool has_kernel_requests; /* ever */
    _Atomic bool has_courier;
    _Atomic bool was_kicked;          /* ever */
    _Atomic uint32_t kernel_sleepers; /* events that those who sleep in the kernel wait for */
    _Atomic bool image_ended;         /* one waits for being closed */
    _Atomic(struct aio_image *) images;

    pthread_mutex_t lock; /* of the rest */
    uint32_t limit;       /* requests on images at a time */
    uint32_t requests;
    struct aio_request *free;
    struct aio_request *completed;
    struct aio_request **completed_end;

    pthread_t courier;
    _Atomic uint32_t work; /* futex of the courier where nothing is under way */
};

/* A new context of the kernel. Where there are too many, images cannot be used with this one. */
void aio_context_add(aio_context_t id, uint32_t limit);

/* NULL: not known. To be given back by aio_context_leave. */
struct aio_context *aio_context_enter(aio_context_t id);
void aio_context_leave(struct aio_context *context);

/* The same for a context that images are about to use, known or not: with its queue. 0 or an error,
 * EINVAL where the kernel does not know it either. */
int aio_context_enter_for_images(aio_context_t id, struct aio_context **context);

/* Before the kernel's. False where another thread is about to. Only the caller has it then. */
bool aio_context_begin_end(struct aio_context *context);

/* After the kernel's: waits for requests on images, and forgets the context. */
void aio_context_end(struct aio_context *context);

void aio_context_lock(struct aio_context *context);
void aio_context_unlock(struct aio_context *context);

/* Under the lock. */

/* NULL where there are too many. */
struct aio_request *aio_request_take(struct aio_context *context);
void aio_request_give_back(struct aio_context *context, struct aio_request *request);

/* The handle under which the queue has a file's image open. 0 or an error. */
int aio_context_open(struct aio_context *context, struct open_file *file, uint32_t *handle);

/* From here on those who wait sleep in the kernel. 0 or an error. */
int aio_context_start_courier(struct aio_context *context);

/* After requests were added to the queue. */
void aio_context_start(struct aio_context *context);

/* A request that is completed, to be given back by the caller, or NULL. */
struct aio_request *aio_context_take(struct aio_context *context);

/* Takes kicks out of events that came from the kernel; how many are left. */
long aio_context_without_kicks(const struct aio_context *context, struct io_event *events,
                               long count);

/* An open file has ended, and with it what queues have open for it. Any thread. */
void aio_on_file_ended(struct open_file *file);

#endif
