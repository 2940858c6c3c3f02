/* The channels that threads lease: each for one operation, by one compare-and-swap where one is
 * free.
 *
 * Where none is, a thread sleeps. It is woken by one that is returned, which a running thread may
 * take before it: that keeps channels busy, since a wake takes longer than most operations. Lest a
 * sleeper lose for ever, one that has waited too long becomes impatient: as long as there are such,
 * channels are for them alone.
 *
 * Any thread; no lock, so a signal handler may interrupt it anywhere. */

#ifndef RBDW_POOL_H
#define RBDW_POOL_H

#include <stdatomic.h>
#include <stdint.h>

struct channel;
struct session;

struct channel_pool {
    struct channel *channels;
    uint32_t count;

    /* Threads that sleep or are about to, and those of them that are impatient. */
    _Alignas(64) _Atomic uint32_t waiting;
    _Atomic uint32_t impatient;

    /* Futexes of either: change when a channel is returned. */
    _Atomic uint32_t returned;
    _Atomic uint32_t returned_to_impatient;
};

void pool_init(struct channel_pool *pool, struct channel *channels, uint32_t count);

/* Waits for a channel. first: the index to look at first. token: not 0 nor CHANNEL_ABANDONED, and nobody
 * else's. NULL where the broker is gone. */
struct channel *pool_take(struct channel_pool *pool, uint32_t first, struct session *session,
                          uint32_t token);

/* Whatever channel is leased by this token, if any, is free once all that was asked there is answered. Waits
 * for changes of the image: what the caller does next must not be overtaken by them. */
void pool_abandon(struct channel_pool *pool, uint32_t token, struct session *session);

/* All who wait look whether the broker is gone. */
void pool_wake_all(struct channel_pool *pool);

void pool_return(struct channel_pool *pool, struct channel *channel);

#endif
