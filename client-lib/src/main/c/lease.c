#include <errno.h>

#include "error.h"
#include "session.h"

/* How many calls of this thread are under way: one, and one more for each signal handler on top. */
static __thread uint32_t calls __attribute__((tls_model("initial-exec")));

/* Where this thread looks first, from 1 on: mostly nobody else looks there first. */
static __thread uint32_t first_look __attribute__((tls_model("initial-exec")));
static _Atomic uint32_t threads_seen;

static bool lease(struct channel *channel)
{
    uint32_t is_free = 0;
    return atomic_load_explicit(&channel->leased, memory_order_relaxed) == 0
           && atomic_compare_exchange_strong_explicit(&channel->leased, &is_free, 1,
                                                      memory_order_acquire, memory_order_relaxed);
}

/* Who is admitted finds one: no more are admitted than there are channels. */
static struct channel *lease_one_of(struct channel *channels, uint32_t count)
{
    if (first_look == 0) {
        first_look = atomic_fetch_add(&threads_seen, 1) % UINT32_C(0x10000) + 1;
    }
    for (uint32_t i = first_look;; i++) {
        struct channel *channel = &channels[i % count];
        if (lease(channel)) {
            return channel;
        }
    }
}

int session_take_channel(struct session *session, struct channel **channel)
{
    uint32_t under_way = calls++;
    atomic_signal_fence(memory_order_seq_cst); /* a handler from here on sees it */
    bool in_handler = under_way > 0;
    uint32_t for_handlers = session->channels > 1 ? 1 : 0;
    if (under_way > for_handlers) {
        calls--;
        return error_set(EDEADLK, "a signal handler's read or write was interrupted by another's");
    }
    struct lease_queue *queue = in_handler ? &session->handlers : &session->threads;
    if (!lease_queue_enter(queue, session)) {
        calls--;
        return session_gone();
    }
    *channel = in_handler ? lease_one_of(&session->channel[session->channels - 1], 1)
                          : lease_one_of(session->channel, session->channels - for_handlers);
    /* after the lease: a channel that was left with requests in flight belongs to a dead session */
    if (atomic_load_explicit(&session->dead, memory_order_relaxed)) {
        session_return_channel(session, *channel);
        return session_gone();
    }
    return 0;
}

void session_return_channel(struct session *session, struct channel *channel)
{
    bool in_handler = session->channels > 1 && channel == &session->channel[session->channels - 1];
    atomic_store_explicit(&channel->leased, 0, memory_order_release);
    lease_queue_leave(in_handler ? &session->handlers : &session->threads);
    atomic_signal_fence(memory_order_seq_cst);
    calls--;
}
