/* The contexts of Linux' asynchronous I/O (io_setup), and what images add to one.
 *
 * A context is the kernel's, and the kernel serves what does not concern images. The first io_submit
 * that holds an image's descriptor ties a queue (queue.h) to it, and puts a ring of ours in the place of the
 * kernel's (aio_ring.h). Whoever asks by io_getevents gets events of both kinds:
 *
 *   only images, so far      it sleeps in queue_await
 *   both kinds, or a signal  it sleeps in the kernel's io_getevents; a thread of ours, the courier
 *   mask, or an eventfd      (aio_courier.h), waits for the images' answers, and wakes it by a request to
 *                            the kernel that is done at once (a kick), whose event nobody else sees
 *
 * and who never asks, but reads the ring in memory, finds both there: the courier brings the images'
 * answers, another thread, the ferry (aio_ferry.h), the kernel's events.
 *
 * Not for signal handlers. */

#ifndef RBDW_AIO_CONTEXT_H
#define RBDW_AIO_CONTEXT_H

#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "aio_engine.h"
#include "aio_ring.h"

enum courier_role { COURIER_NONE, COURIER_WATCHES, COURIER_DELIVERS }; /* only ever rises */

struct courier {
    _Atomic uint32_t role;
    _Atomic uint32_t work; /* futex where it has nothing to wait for */
    bool is_idle;          /* in that futex until there are requests */
    uint32_t calls_seen;
    pthread_t thread;
};

/* A request to the kernel in a context that images use as well. */
struct crossing;

struct ferry {
    _Atomic bool runs;    /* is started under the engine's lock */
    int event_descriptor; /* the kernel signals it; 0 before it runs */
    uint32_t foreign;     /* requests from before, which signal it not */
    uint32_t signals;     /* crossings with an event descriptor of the program */
    struct crossing *crossings;
    struct crossing *free;
    pthread_t thread;
};

struct aio_context {
    _Atomic aio_context_t id; /* 0: the slot is free */
    _Atomic uint32_t users;   /* calls under way */
    _Atomic uint32_t ending;  /* io_destroy */
    struct aio_engine engine; /* with a queue once images are concerned */
    _Atomic bool has_kernel_requests; /* ever */
    _Atomic bool was_kicked;          /* ever */
    _Atomic uint32_t submitted;       /* to the kernel, before the queue was tied */
    _Atomic uint32_t calls;           /* of io_getevents */
    _Atomic uint32_t kernel_sleepers; /* events that those who sleep in the kernel wait for */

    struct courier courier; /* under the engine's lock */

    /* Under a lock of its own, which is taken after the engine's if both are: who has the engine's may wait for
     * a broker, and what the kernel completes meanwhile shall not. */
    pthread_mutex_t ring_lock;
    struct aio_ring ring;
    uint32_t reserved; /* room in the ring for requests on images that are under way */
    struct ferry ferry;
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

void aio_context_lock_ring(struct aio_context *context);
void aio_context_unlock_ring(struct aio_context *context);

/* A thread of ours, which gets no signals. 0 or an error. */
int aio_context_start_thread(pthread_t *thread, void *(*run)(void *), struct aio_context *context);

/* Wakes those who sleep in the kernel. Without the ring's lock. */
void aio_context_send_kicks(struct aio_context *context);

/* Takes kicks out of events that came from the kernel; how many are left. */
long aio_context_without_kicks(const struct aio_context *context, struct io_event *events,
                               long count);

#endif
