#include <errno.h>
#include <pthread.h>

#include "error.h"
#include "session.h"

/* How many calls of this thread are under way: one, and one more for each signal handler on top. */
static __thread uint32_t calls __attribute__((tls_model("initial-exec")));

/* A call of this thread waits for the next broker. */
static __thread uint32_t following __attribute__((tls_model("initial-exec")));
static __thread int cancel_state __attribute__((tls_model("initial-exec"))); /* before it */

/* Where this thread looks first, from 1 on: mostly nobody else looks there first. */
static __thread uint32_t first_look __attribute__((tls_model("initial-exec")));
static _Atomic uint32_t threads_seen;

int session_take_channel(struct session *session, struct channel **channel)
{
    uint32_t under_way = calls++;
    atomic_signal_fence(memory_order_seq_cst); /* a handler from here on sees it */
    if (under_way > session->handlers.count) {
        calls--;
        return error_set(EDEADLK, "a signal handler's read or write was interrupted by another's");
    }
    if (first_look == 0) {
        first_look = atomic_fetch_add(&threads_seen, 1) % UINT32_C(0x10000) + 1;
    }
    struct channel_pool *pool = under_way == 0 ? &session->threads : &session->handlers;
    *channel = pool_take(pool, first_look, session);
    if (*channel == NULL) {
        calls--;
        return session_gone();
    }
    /*   here:      leased = 1 | look whether the session is dead | use the segment
     *   its end:   dead = 1   | look whether a channel is leased | unmap the segment
     * One of the two sees the other. */
    if (atomic_load(&session->dead)) {
        session_return_channel(session, *channel);
        return session_gone();
    }
    return 0;
}

void session_return_channel(struct session *session, struct channel *channel)
{
    bool in_handler = channel >= session->channel + session->threads.count;
    pool_return(in_handler ? &session->handlers : &session->threads, channel);
    atomic_signal_fence(memory_order_seq_cst);
    calls--;
}

void session_begin_following(void)
{
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    if (following++ == 0) {
        cancel_state = state;
    }
    atomic_signal_fence(memory_order_seq_cst);
}

void session_end_following(void)
{
    int state = cancel_state;
    atomic_signal_fence(memory_order_seq_cst);
    if (--following == 0) {
        pthread_setcancelstate(state, NULL);
    }
}

bool session_is_nested(uint32_t own_channels)
{
    return calls > own_channels || following > 0;
}
