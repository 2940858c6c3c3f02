#include "pool.h"

#include <stdbool.h>
#include <stddef.h>

#include "futex.h"
#include "session.h"

/* How long a thread lets others pass. Some wakes long. */
#define PATIENCE_NS INT64_C(1000000)

void pool_init(struct channel_pool *pool, struct channel *channels, uint32_t count)
{
    *pool = (struct channel_pool) {.channels = channels, .count = count};
}

static struct channel *lease_any(struct channel_pool *pool, uint32_t first)
{
    for (uint32_t i = 0; i < pool->count; i++) {
        struct channel *channel = &pool->channels[(first + i) % pool->count];
        uint32_t is_free = 0;
        if (atomic_load_explicit(&channel->leased, memory_order_relaxed) == 0
            && atomic_compare_exchange_strong(&channel->leased, &is_free, 1)) {
            return channel;
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

static struct channel *wait_for_one(struct channel_pool *pool, uint32_t first,
                                    struct session *session)
{
    struct channel *channel;
    bool patient = true;
    int64_t since = futex_now_ns();
    atomic_fetch_add(&pool->waiting, 1);
    while (true) {
        _Atomic uint32_t *word = patient ? &pool->returned : &pool->returned_to_impatient;
        uint32_t seen = atomic_load(word);
        atomic_thread_fence(memory_order_seq_cst);
        bool may_take = !patient || atomic_load(&pool->impatient) == 0;
        if (may_take && (channel = lease_any(pool, first)) != NULL) {
            break;
        }
        bool woken = futex_wait(word, seen, patient ? PATIENCE_NS : FUTEX_LOOK_NS, FUTEX_PRIVATE);
        if (patient && futex_now_ns() - since >= PATIENCE_NS) {
            patient = false;
            atomic_fetch_add(&pool->impatient, 1);
        } else if ((!woken || session_is_known_dead(session)) && !session_is_alive(session)) {
            channel = NULL;
            break;
        }
    }
    atomic_fetch_sub(&pool->waiting, 1);
    if (!patient) {
        atomic_fetch_sub(&pool->impatient, 1);
        wake_one(pool); /* a channel that came back for the impatient may be left */
    }
    return channel;
}

struct channel *pool_take(struct channel_pool *pool, uint32_t first, struct session *session)
{
    if (atomic_load_explicit(&pool->impatient, memory_order_relaxed) == 0) {
        struct channel *channel = lease_any(pool, first);
        if (channel != NULL) {
            return channel;
        }
    }
    return wait_for_one(pool, first, session);
}

void pool_return(struct channel_pool *pool, struct channel *channel)
{
    atomic_store_explicit(&channel->leased, 0, memory_order_release);
    wake_one(pool);
}

void pool_wake_all(struct channel_pool *pool)
{
    atomic_fetch_add(&pool->returned, 1);
    futex_wake(&pool->returned, INT32_MAX, FUTEX_PRIVATE);
    atomic_fetch_add(&pool->returned_to_impatient, 1);
    futex_wake(&pool->returned_to_impatient, INT32_MAX, FUTEX_PRIVATE);
}
