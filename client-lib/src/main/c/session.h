/* This process's session with the broker: the socket, the shared segment and its channels.
 *
 * The session is counted: each open file refers to it, and so does this module to the one that the
 * next open will use. Requests on the socket, and all that makes, finds or ends a session, happen
 * under one lock; reads and writes take no lock. */

#ifndef RBDW_SESSION_H
#define RBDW_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "channel.h"
#include "control.h"
#include "fork.h"
#include "pool.h"

struct session {
    struct session *next; /* of all that this process has made */
    uint32_t process;  /* whose it is: fork_process_number */
    _Atomic bool dead; /* the broker is gone, or is not understood */
    int socket;
    int doorbell;
    struct segment_header *segment;
    uint64_t segment_length;

    /* The last channel is for signal handlers, so that one never waits for the thread that it
     * interrupts; a thread's own calls share the others. */
    struct channel_pool threads;
    struct channel_pool handlers; /* 0 or 1 */
    struct channel channel[SEGMENT_MAX_CHANNELS];

    /* Under the lock. */
    uint32_t references;
    struct control control;
};

/* The thread cannot be cancelled in between, nor interrupted by a handler: one that wanted the lock
 * would wait for the thread under it. */
void session_lock(void);
void session_unlock(void);

/* Under the lock: the session of this process, made where there is none or its broker is gone. The
 * reference is the caller's to session_release. 0 or an error with its text. */
int session_acquire(struct session **session);

/* Under the lock: a session of the caller's own, with one channel, which is not leased: channel[0].
 * depth: the most requests in flight; arena_length: bytes; the broker may grant less. The reference
 * is the caller's. 0 or an error with its text. */
int session_make_queued(uint16_t depth, uint32_t arena_length, struct session **session);

/* Under the lock. */
void session_release(struct session *session);

/* False in a child of the process that made it. */
static inline bool session_is_ours(const struct session *session)
{
    return session->process == atomic_load_explicit(fork_process_number, memory_order_relaxed);
}

/* Looks at the socket: false as soon as the broker is gone. */
bool session_is_alive(struct session *session);

/* Under the lock, after a request on the socket: if that broke, the session is dead. */
void session_after_control(struct session *session);

/* Sets the text and returns -ENOTCONN. */
int session_gone(void);

/* Waits for a channel. 0; -ENOTCONN where the broker is gone, -EDEADLK in a handler that interrupts
 * a handler's call, both with their text. */
int session_take_channel(struct session *session, struct channel **channel);

void session_return_channel(struct session *session, struct channel *channel);

/* After requests were published: one call for a batch of them. */
void session_ring_doorbell(struct session *session);

#endif
