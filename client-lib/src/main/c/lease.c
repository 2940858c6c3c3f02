#include <errno.h>

#include "error.h"
#include "session.h"
#include "taken.h"

/* Where this thread looks first, from 1 on: mostly nobody else looks there first. */
static __thread uint32_t first_look __attribute__((tls_model("initial-exec")));
static _Atomic uint32_t threads_seen;

/* The call was left midway. What it has asked the broker for is still to be answered. */
static void give_channel_back(struct taken *taken)
{
    if (taken->also != NULL) { /* else it came no further than to its note */
        pool_abandon(taken->also, taken->token, taken->of);
    }
}

/* A thread has one call under way, and one more for each signal handler on top. The one on top never waits for the
 * pool of the one below. It may not be known yet that a call was left: then its channel's pool is not waited for
 * either. NULL: there is no other. */
static struct channel_pool *pool_for(struct session *session)
{
    if (taken_has(TAKEN_CHANNEL, &session->threads)) {
        taken_give_back_left(); /* we may be in a handler, or in a program that has left one by a jump */
        if (taken_has(TAKEN_CHANNEL, &session->threads)) {
            bool is_free =
                session->handlers.count > 0 && !taken_has(TAKEN_CHANNEL, &session->handlers);
            return is_free ? &session->handlers : NULL;
        }
    }
    return &session->threads;
}

int session_take_channel(struct session *session, struct taken_mark *mark, struct channel **channel)
{
    struct channel_pool *pool = pool_for(session);
    if (pool == NULL) {
        return error_set(EDEADLK, "a signal handler's read or write was interrupted by another's");
    }
    if (first_look == 0) {
        first_look = atomic_fetch_add(&threads_seen, 1) % UINT32_C(0x10000) + 1;
    }
    struct taken *taken = taken_push(mark, TAKEN_CHANNEL, give_channel_back, session);
    if (taken == NULL) {
        return error_set(ENOMEM, "no memory for a thread's notes");
    }
    taken->also = pool;
    *channel = pool_take(pool, first_look, session, taken->token);
    if (*channel == NULL) {
        taken_pop(taken);
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
    taken_pop(taken_find(give_channel_back, session));
}

static void end_following(struct taken *taken)
{
    (void) taken;
}

void session_begin_following(struct taken_mark *mark)
{
    taken_push(mark, TAKEN_FOLLOWING, end_following, NULL);
}

void session_end_following(void)
{
    taken_pop(taken_find(end_following, NULL));
}

bool session_is_nested(uint32_t own_channels)
{
    if (!taken_any()) {
        return false;
    }
    if (taken_count(TAKEN_CHANNEL) > own_channels || taken_count(TAKEN_FOLLOWING) > 0) {
        taken_give_back_left();
    }
    return taken_count(TAKEN_CHANNEL) > own_channels || taken_count(TAKEN_FOLLOWING) > 0;
}
