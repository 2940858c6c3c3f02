/* A session with one broker: the socket, the shared segment and its channels. What follows when that
 * broker ends is in succession.h and queue.h.
 *
 * The session is counted: each open file refers to it, and so does this module to the one that the
 * next open will use. All that makes, finds or ends a session happens under one lock. Requests on the
 * socket are made without it, for an image may take long to answer: session_begin_request. Reads and
 * writes take no lock. */

#ifndef RBDW_SESSION_H
#define RBDW_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "channel.h"
#include "control.h"
#include "fork.h"
#include "pool.h"
#include "taken.h"

/* What the broker is asked for. */
struct session_wish {
    uint16_t channels;
    uint16_t depth;        /* requests in flight a channel */
    uint32_t arena_length; /* bytes a channel */
    int64_t patience_ns;   /* with each answer; 0: as long as it takes */
};

/* A session, over all brokers of a run directory. */
struct session_key {
    uint64_t generation; /* of the broker's segments; 0: no session */
    uint64_t id;
};

struct session {
    struct session *next; /* of all that this process has made */
    uint32_t process;  /* whose it is: fork_process_number */
    uint32_t wished_channels;
    _Atomic bool dead; /* the broker is gone, or is not understood */
    bool is_buried;    /* nothing but this struct is left */
    bool is_late;      /* others have gone on without it: see control_resume */
    uint32_t era;      /* succession.c: sessions before it that took new requests */
    struct session_key key;
    int socket;
    int doorbell;
    struct segment_header *segment;
    uint64_t segment_length;

    /* The last channel is for signal handlers, so that one never waits for the thread that it
     * interrupts; a thread's own calls share the others. */
    struct channel_pool threads;
    struct channel_pool handlers; /* 0 or 1 */

    _Atomic uint32_t requests; /* on the socket, under way without the lock */

    /* Under the lock. */
    uint32_t references;
    struct control *control; /* NULL once it is buried */

    struct channel channel[]; /* of both pools */
};

/* In between is a stretch of held.h: a handler that wanted the lock would wait for the thread under it. */
void session_lock(void);
void session_unlock(void);

/* Under the lock, and like all that it calls, safe in a signal handler: a session that goes on where
 * another has ended, or is the first (key 0), with no reference yet. 0 or an error with its text. */
int session_make(const struct session_wish *wish, struct session_key before,
                 struct session **session);

/* Under the lock: ends it, which nobody uses, if this was the last reference. */
void session_release(struct session *session);

/* Under the lock: gives back all that a dead session has but the struct itself, which threads may
 * look at that have not heard of its end. No thread has a channel of it: session_has_users. */
void session_bury(struct session *session);

/* Of a dead one: whether a thread still has one of its channels, or is in a request. */
bool session_has_users(const struct session *session);

/* Threads that wait for answers or for a channel look whether it is dead. */
void session_wake_all(struct session *session);

/* False in a child of the process that made it. */
static inline bool session_is_ours(const struct session *session)
{
    return session->process == atomic_load_explicit(fork_process_number, memory_order_relaxed);
}

/* As the last look at the socket found it; without one. */
static inline bool session_is_known_dead(const struct session *session)
{
    return atomic_load_explicit(&session->dead, memory_order_relaxed);
}

/* Looks at the socket: false as soon as the broker is gone. */
bool session_is_alive(struct session *session);

/* Under the lock, with a reference: from then on a request on the socket can be made without the lock. */
void session_begin_request(struct session *session);

/* With or without the lock. */
void session_end_request(struct session *session);

/* After a request on the socket: if that broke, the session is dead. */
void session_after_control(struct session *session);

/* Sets the text and returns -ENOTCONN. */
int session_gone(void);

/* Waits for a channel. mark: in the frame of the call that gives it back. 0; -ENOTCONN where the broker is gone, -EDEADLK in a handler that interrupts
 * a handler's call, both with their text. */
int session_take_channel(struct session *session, struct taken_mark *mark, struct channel **channel);

void session_return_channel(struct session *session, struct channel *channel);

/* A call of this thread waits for the next broker, from before it gives back its channel on. Ends as often as
 * it begins; mark: in a frame that has both. */
void session_begin_following(struct taken_mark *mark);
void session_end_following(void);

/* Whether we are in a handler that has interrupted a call of its thread, which goes on only when the
 * handler has returned. own_channels: that this call has, 0 or 1. */
bool session_is_nested(uint32_t own_channels);

/* After requests were published: one call for a batch of them. */
void session_ring_doorbell(struct session *session);

#endif
