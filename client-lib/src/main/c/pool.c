#include "pool.h"

#include <stdbool.h>
#include <stddef.h>

#include "futex.h"
#include "session.h"
#include "taken.h"

/* How long a thread lets others pass. Some wakes long. */
#define PATIENCE_NS INT64_C(1000000)

void pool_init(struct channel_pool *pool, struct channel *channels, uint32_t count)
{
    *pool = (struct channel_pool) {.channels = channels, .count = count};
}

/* How often to look whether a channel is free that a call was left with: nobody wakes us. */
#define LOOK_AT_ABANDONED_NS INT64_C(1000000)

/* One that a call was left with: true where it is ours, with nothing in flight. */
static bool take_abandoned(struct channel *channel, struct session *session, uint32_t token)
{
    uint32_t abandoned = CHANNEL_ABANDONED;
    if (!atomic_compare_exchange_strong(&channel->leased, &abandoned, token)) {
        return false;
    }
    if (channel_recover(channel)) {
        return true;
    }
    session_ring_doorbell(session); /* whoever left it may not have come so far */
    atomic_store_explicit(&channel->leased, CHANNEL_ABANDONED, memory_order_release);
    return false;
}

/* any_abandoned: set where there are such. */
static struct channel *lease_any(struct channel_pool *pool, uint32_t first,
                                 struct session *session, uint32_t token, bool *any_abandoned)
{
    *any_abandoned = false;
    uint32_t at = first < pool->count ? first : first % pool->count;
    for (uint32_t i = 0; i < pool->count; i++) {
        struct channel *channel = &pool->channels[at];
        at = at + 1 < pool->count ? at + 1 : 0;
        uint32_t leased = atomic_load_explicit(&channel->leased, memory_order_relaxed);
        if (leased == 0 && atomic_compare_exchange_strong(&channel->leased, &leased, token)) {
            return channel;
        }
        if (__builtin_expect(leased == CHANNEL_ABANDONED, false)) {
            *any_abandoned = true;
            if (take_abandoned(channel, session, token)) {
                return channel;
            }
        }
    }
    return NULL;
}

/* Whoever returned a channel, or may have taken another's wake:
 *   return: channel is free | fence | read who waits | wake one of them
 *   wait:   waiting + 1     | fence | look at the channels | if none is free: sleep
 * Whichever fence comes first, either the one sees the channel or the other the sleeper. */
static void wake_one(struct channel_pool *pool)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&pool->waiting, memory_order_relaxed) == 0) {
        return;
    }
    _Atomic uint32_t *word = atomic_load(&pool->impatient) > 0 ? &pool->returned_to_impatient
                                                               : &pool->returned;
    atomic_fetch_add(word, 1);
    futex_wake(word, 1, FUTEX_PRIVATE);
}

/* Of a thread that waits: from, that it is counted as waiting; to, as impatient. */
static void stop_waiting(struct taken *taken)
{
    struct channel_pool *pool = taken->of;
    if (taken->from != 0) {
        taken->from = 0;
        atomic_fetch_sub(&pool->waiting, 1);
    }
    if (taken->to != 0) {
        taken->to = 0;
        atomic_fetch_sub(&pool->impatient, 1);
        wake_one(pool); /* a channel that came back for the impatient may be left */
    }
}

static struct channel *wait_for_one(struct channel_pool *pool, uint32_t first,
                                    struct session *session, uint32_t token)
{
    struct channel *channel;
    bool patient = true;
    bool any_abandoned;
    int64_t since = futex_now_ns();
    struct taken unnoted = {.of = pool};
    struct taken *noted = taken_push(NULL, TAKEN_TRANSFER, stop_waiting, pool);
    struct taken *waits = noted != NULL ? noted : &unnoted;
    atomic_fetch_add(&pool->waiting, 1);
    waits->from = 1;
    while (true) {
        _Atomic uint32_t *word = patient ? &pool->returned : &pool->returned_to_impatient;
        uint32_t seen = atomic_load(word);
        atomic_thread_fence(memory_order_seq_cst);
        bool may_take = !patient || atomic_load(&pool->impatient) == 0;
        any_abandoned = false;
        if (may_take
            && (channel = lease_any(pool, first, session, token, &any_abandoned)) != NULL) {
            break;
        }
        int64_t longest = patient         ? PATIENCE_NS
                          : any_abandoned ? LOOK_AT_ABANDONED_NS
                                          : FUTEX_LOOK_NS;
        bool woken = futex_wait(word, seen, longest, FUTEX_PRIVATE);
        if (patient && futex_now_ns() - since >= PATIENCE_NS) {
            patient = false;
            atomic_fetch_add(&pool->impatient, 1);
            waits->to = 1;
        } else if ((!woken || session_is_known_dead(session)) && !session_is_alive(session)) {
            channel = NULL;
            break;
        }
    }
    stop_waiting(waits);
    taken_pop(noted);
    return channel;
}

struct channel *pool_take(struct channel_pool *pool, uint32_t first, struct session *session,
                          uint32_t token)
{
    bool any_abandoned;
    if (atomic_load_explicit(&pool->impatient, memory_order_relaxed) == 0) {
        struct channel *channel = lease_any(pool, first, session, token, &any_abandoned);
        if (channel != NULL) {
            return channel;
        }
    }
    return wait_for_one(pool, first, session, token);
}

void pool_return(struct channel_pool *pool, struct channel *channel)
{
    atomic_store_explicit(&channel->leased, 0, memory_order_release);
    wake_one(pool);
}

void pool_abandon(struct channel_pool *pool, uint32_t token, struct session *session)
{
    for (uint32_t i = 0; i < pool->count; i++) {
        struct channel *channel = &pool->channels[i];
        if (atomic_load(&channel->leased) == token) {
            bool is_free = channel->has_changes && channel_await_recovery(channel, session);
            atomic_store_explicit(&channel->leased, is_free ? 0 : CHANNEL_ABANDONED,
                                  memory_order_release);
            wake_one(pool);
        }
    }
}

void pool_wake_all(struct channel_pool *pool)
{
    atomic_fetch_add(&pool->returned, 1);
    futex_wake(&pool->returned, INT32_MAX, FUTEX_PRIVATE);
    atomic_fetch_add(&pool->returned_to_impatient, 1);
    futex_wake(&pool->returned_to_impatient, INT32_MAX, FUTEX_PRIVATE);
}
