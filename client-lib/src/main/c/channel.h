/* The client's side of a channel: its two rings, its arena, and what is in flight.
 *
 * One thread at a time: the one that has leased it. */

#ifndef RBDW_CHANNEL_H
#define RBDW_CHANNEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "rbdw_segment.h"

struct session;

/* Whoever leased it left its call midway, wherever that was. */
#define CHANNEL_ABANDONED UINT32_MAX

/* Pieces of a large transfer in flight: while one is copied, the others are under way. */
#define CHANNEL_MAX_PIECES 4

/* A part of an operation, in flight under the tag that is its index. */
struct piece {
    uint64_t correlation_id;
    uint64_t offset; /* from the operation's start */
    uint32_t length; /* bytes */
    bool in_flight;
};

/* How long to look for a response before sleeping: a sleeper's wake costs tens of microseconds, but who
 * looks takes the core from who works. The short look follows what happened last: doubled when the
 * response came within it, halved when it did not, and tried anew now and then. Where cores idle
 * (spare_cores.h) and the broker does not say that too many clients want them, who has one request
 * under way looks on, for about twice as long as responses took lately. */
struct spin {
    bool is_wanted;
    int64_t short_ns;
    uint32_t since_try;
    int64_t expected_ns;    /* moving average of what waits took */
    uint32_t unmeasured;    /* waits since the last one that was measured: to look at the clock takes time, too */
    uint32_t measure_every; /* one of so many waits that end without sleep: 1, and up to 8 while they are short */
};

struct channel {
    _Alignas(64) _Atomic uint32_t leased; /* 0, by whose token (taken.h), or CHANNEL_ABANDONED */
    struct channel_control *control;
    struct response_record *responses;
    char *arena;
    uint64_t requests_made;           /* records of its ring so far */
    _Atomic uint64_t responses_taken; /* likewise; who waits for a queue's answers reads it beside who takes them */
    uint32_t mask;                    /* of a record's number: its index */
    uint32_t arena_length;            /* bytes */
    uint32_t depth;
    uint32_t pieces;       /* the arena holds this many, of this operation */
    uint32_t piece_length; /* bytes, of the longest */
    bool has_changes;      /* what is in flight may change the image */
    struct spin spin;
    struct piece piece[CHANNEL_MAX_PIECES];
};

/* A request as it goes into the ring. */
struct io_request {
    int op; /* of the schema's IoOp */
    uint32_t handle;
    int64_t position;
    int64_t length;
    int64_t begin; /* of truncations */
};

/* bytes: the channel's in the segment. may_spin: false where nobody else could run meanwhile. */
void channel_init(struct channel *channel, char *bytes, const struct segment_geometry *geometry,
                  bool may_spin);

/* Publishes a request whose data is in place. tag: below the depth, of nothing that is in flight.
 * Returns the correlation id that its response will have. The doorbell is the caller's. */
uint64_t channel_publish(struct channel *channel, uint32_t tag, uint32_t arena_offset,
                         const struct io_request *request);

/* Takes the next response, which is there; returns its correlation id, or CHANNEL_NO_RESPONSE for a record that is
 * none, which has no tag of any depth. */
#define CHANNEL_NO_RESPONSE UINT64_MAX
uint64_t channel_take(struct channel *channel, int64_t *result);

static inline uint64_t channel_responses_taken(const struct channel *channel)
{
    return atomic_load_explicit(&channel->responses_taken, memory_order_relaxed);
}

/* Whether the response that has this number has come; it may be taken by now. The broker clears a record that was
 * taken half a lap later, and whoever sees that sees the count, too: it was moved before the requests were made that
 * brought the broker so far. */
static inline bool channel_has_come(const struct channel *channel, uint64_t number)
{
    return atomic_load_explicit(&channel->responses[number & channel->mask].length, memory_order_acquire) > 0
           || (int64_t) (channel_responses_taken(channel) - number) > 0;
}

/* Looks for the response of this number for a while, which is over at deadline_ns (of futex_now_ns). began_ns: when
 * the wait did. one_at_a_time: no other request is under way. */
bool channel_spin(struct channel *channel, uint64_t number, int64_t began_ns, bool one_at_a_time,
                  int64_t deadline_ns);

/* The response has come, seen by looking or after sleeping. */
void channel_learn(struct channel *channel, int64_t began_ns, bool is_seen);

/* Nothing is in flight, and an operation that transfers so many bytes begins: how it is split.
 *
 * A piece costs a request to the cluster, which a write feels more than the copy into the arena: so it is
 * one piece where the arena holds it, else pieces of half the arena. A read is better in two pieces
 * from half the arena on, and in one to a quarter of it: the one is copied while the other comes.
 * Measured by sequential requests of 1 MiB on Ceph: writes in 1, 2, 4 pieces gave 0.87, 0.69, 0.71 of
 * librbd in the program, reads 0.75, 0.87, 0.83. */
void channel_split(struct channel *channel, uint64_t length, bool is_write);

/* The index of a piece that is not in flight, or -1. */
int channel_free_piece(const struct channel *channel);

/* Where in the arena the piece's data is. */
static inline char *channel_piece_data(const struct channel *channel, int piece)
{
    return channel->arena + (size_t) piece * channel->piece_length;
}

/* Publishes a request under this piece, whose data is in place. The doorbell is the caller's. */
void channel_submit(struct channel *channel, int piece, uint64_t offset, uint32_t piece_length,
                    const struct io_request *request);

/* Of a channel that a call was left with: true, and it is as new, once all that was asked is answered. */
bool channel_recover(struct channel *channel);

/* Waits for that; false where the broker is gone. */
bool channel_await_recovery(struct channel *channel, struct session *session);

bool channel_has_response(const struct channel *channel);

/* Takes the next response, which is there. Returns its piece, which is free again, and its result;
 * -1 for a response to nothing that is in flight. */
int channel_take_response(struct channel *channel, int64_t *result);

/* The broker is gone: the piece in flight that was submitted first, which is no more in flight; -1
 * where there is none. */
int channel_lose_first(struct channel *channel);

/* Waits until a response is there, or false as soon as still_alive says so. The latter is asked a
 * few times a second. */
bool channel_await_response(struct channel *channel, struct session *session);

#endif
