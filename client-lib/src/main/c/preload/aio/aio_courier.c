#include "aio_courier.h"

#include <errno.h>

#include "futex.h"

#define WATCH_NS INT64_C(10000000) /* between two looks of one who watches */

/* What is done goes into the ring, where io_submit has kept room for it. */
void aio_courier_collect(struct aio_context *context)
{
    struct aio_request *request;
    while ((request = aio_engine_reap(&context->engine)) != NULL) {
        struct io_event event = {
            .data = request->data,
            .obj = request->object,
            .res = request->queued.result,
        };
        aio_context_lock_ring(context);
        aio_ring_put(&context->ring, &event);
        context->reserved--;
        aio_context_unlock_ring(context);
        aio_request_signal(request);
        aio_request_give_back(&context->engine, request);
    }
}

/* Somebody who collected for himself may have left events to those who sleep. */
static void deliver(struct aio_context *context)
{
    aio_courier_collect(context);
    aio_context_lock_ring(context);
    bool has_events = aio_ring_unread(&context->ring) > 0;
    aio_context_unlock_ring(context);
    if (has_events) {
        aio_context_send_kicks(context);
    }
}

static void rouse(struct courier *courier)
{
    courier->is_idle = false;
    atomic_fetch_add(&courier->work, 1);
    futex_wake(&courier->work, 1, FUTEX_PRIVATE);
}

void aio_courier_notice(struct aio_context *context)
{
    struct queue *queue = atomic_load(&context->engine.queue);
    queue_start(queue);
    if (queue_has_done(queue)) { /* what needs no answer is done at once */
        deliver(context);
        queue_wake(queue);
    }
    if (context->courier.is_idle && queue_length(queue) > 0) {
        rouse(&context->courier);
    }
}

/* One who only watches leaves it to those who call, unless none does. */
static bool is_needed(struct aio_context *context)
{
    struct courier *courier = &context->courier;
    uint32_t calls = atomic_load_explicit(&context->calls, memory_order_relaxed);
    bool has_called = calls != courier->calls_seen;
    courier->calls_seen = calls;
    aio_context_lock_ring(context);
    aio_ring_unread(&context->ring);
    bool is_read_in_memory = context->ring.is_read_in_memory;
    aio_context_unlock_ring(context);
    if (is_read_in_memory) {
        aio_courier_start(context, COURIER_DELIVERS); /* it is running: no error */
    }
    return atomic_load(&courier->role) == COURIER_DELIVERS || !has_called;
}

static void *run(void *argument)
{
    struct aio_context *context = argument;
    struct courier *courier = &context->courier;
    struct queue *queue = atomic_load(&context->engine.queue);
    while (true) {
        aio_engine_lock(&context->engine);
        if (is_needed(context)) {
            deliver(context);
        }
        uint32_t work = atomic_load(&courier->work);
        struct queue_sight sight = queue_look(queue);
        bool delivers = atomic_load(&courier->role) == COURIER_DELIVERS;
        bool is_idle = queue_length(queue) == 0;
        courier->is_idle = is_idle;
        bool is_ending = atomic_load(&context->ending) != 0;
        aio_engine_unlock(&context->engine);
        if (is_ending) {
            return NULL;
        }
        if (is_idle) {
            futex_wait(&courier->work, work, FUTEX_LOOK_NS * 40, FUTEX_PRIVATE);
        } else if (delivers) {
            queue_await(queue, sight, INT64_MAX, false);
        } else {
            futex_wait(&courier->work, work, WATCH_NS, FUTEX_PRIVATE);
        }
    }
}

int aio_courier_start(struct aio_context *context, enum courier_role role)
{
    struct courier *courier = &context->courier;
    uint32_t before = atomic_load(&courier->role);
    if (before >= role) {
        return 0;
    }
    if (before == COURIER_NONE) {
        int error = atomic_load(&context->ending) != 0
                        ? -EINVAL /* io_destroy has joined who was there */
                        : aio_context_start_thread(&courier->thread, run, context);
        if (error < 0) {
            return error;
        }
    }
    atomic_store(&courier->role, role);
    rouse(courier);
    if (role == COURIER_DELIVERS) {
        queue_wake(atomic_load(&context->engine.queue)); /* who sleeps there is to sleep in the kernel */
    }
    return 0;
}

void aio_courier_wake(struct aio_context *context)
{
    queue_wake(atomic_load(&context->engine.queue));
    rouse(&context->courier);
}

void aio_courier_join(struct aio_context *context)
{
    if (atomic_load(&context->courier.role) != COURIER_NONE) {
        pthread_join(context->courier.thread, NULL);
    }
}
