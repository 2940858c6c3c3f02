/* Many requests in flight that nobody waits for one by one: what asynchronous I/O needs.
 *
 * A queue has a session of its own with one channel, so that it takes none from the threads that
 * read and write. A transfer is copied to or from the channel's arena; what finds no room there, or
 * would be one too many in flight, waits in line, and large transfers go in parts.
 *
 *     queue_add(queue, &request) ...        in line
 *     queue_start(queue)                    as many as there is room for go to the broker
 *     sight = queue_look(queue)
 *     queue_await(queue, sight, ...)        without the caller's lock
 *     while ((request = queue_reap(queue)) != NULL) ...
 *
 * One thread at a time, the callers see to that; but any number may be in queue_await. Not in a
 * child of the process that made it: queue_is_ours. */

#ifndef RBDW_QUEUE_H
#define RBDW_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "rbdw.h"

#define QUEUE_MAX_DEPTH 256

struct queue;

/* One operation: the caller's memory, the queue's from queue_add until queue_reap. */
struct queue_request {
    int op; /* of the schema's IoOp */
    uint32_t handle; /* of queue_open_begin */
    int64_t position; /* bytes, in the image */
    uint64_t length;  /* bytes; of a transfer no more than the vector has */
    const struct iovec *vector;
    int64_t result; /* bytes done without a gap, or an error */

    /* The queue's own. */
    struct queue_request *next;
    uint64_t submitted; /* bytes; of other ops, requests */
    uint64_t end;       /* bytes: nothing from here on counts */
    int64_t failure;    /* at end: 0 or an error */
    uint32_t in_flight;
};

/* depth: requests in flight that are wanted. 0 or an error with its text. */
int queue_create(uint32_t depth, struct queue **queue);

/* Waits for all that was added; nothing of it can be reaped. */
void queue_destroy(struct queue *queue);

bool queue_is_ours(const struct queue *queue);

/* Looks at the socket: false once the broker is gone. */
bool queue_is_alive(const struct queue *queue);

/* Where the broker is gone: waits for the next one, opens all images with it and makes the requests again
 * that had no answer; what else is in line follows at queue_start, when others have done the same. 0, or an
 * error with its text where none came in time. */
int queue_come_back(struct queue *queue);

/* An image that is being opened. */
struct queue_opening {
    uint32_t handle; /* of requests, once it is open */
    struct session *session;
    uint32_t handle_there; /* in the session */
};

/* Opens the image of an open file for this queue's requests, too, in three steps: the store may take long to answer
 * the second, which is the only one that needs no lock of the caller's.
 *
 *     begin    0 or an error with its text, and then nothing has begun
 *     ask      0 or an error with its text: -ESTALE where the image cannot be found again
 *     end      with that; 0, an error, or -EAGAIN: the broker is another by now, and all begins anew
 *
 * All in one stretch of held.h. */
int queue_open_begin(struct queue *queue, const rbdw_file *file, struct queue_opening *opening);
int queue_open_ask(const rbdw_file *file, struct queue_opening *opening);
int queue_open_end(struct queue *queue, struct queue_opening *opening, int error);

/* Likewise in two steps, of which the second needs no lock of the caller's. Nothing of the image is in flight or in
 * line. begin: false where there is nobody to ask. */
struct queue_closing {
    struct session *session;
    uint32_t handle_there;
};

bool queue_close_begin(struct queue *queue, uint32_t handle, struct queue_closing *closing);
void queue_close_ask(struct queue_closing *closing);

void queue_add(struct queue *queue, struct queue_request *request);

/* Where the broker is gone, waits for the next one; all requests fail with -ENOTCONN where none comes in
 * time (succession.h). */
void queue_start(struct queue *queue);

/* Adds one whose result is known already. */
void queue_add_done(struct queue *queue, struct queue_request *request);

/* A request that is done, or NULL; makes room and starts what waited for it. */
struct queue_request *queue_reap(struct queue *queue);

/* True where queue_reap would return one without a look at the broker's answers. */
bool queue_has_done(const struct queue *queue);

/* Requests that were added and not reaped. */
uint32_t queue_length(const struct queue *queue);

/* What a thread has seen of a queue that it is about to wait for. */
struct queue_sight {
    uint64_t response; /* the number of the next one */
    uint32_t changes;
};

struct queue_sight queue_look(const struct queue *queue);

/* Sleeps until there are answers that were not there at that sight, or queue_wake. 0: reap;
 * -ETIMEDOUT at deadline_ns (of futex_now_ns); -EINTR after a signal's handler. */
int queue_await(struct queue *queue, struct queue_sight sight, int64_t deadline_ns, bool may_spin);

/* Those in queue_await return. Any thread. */
void queue_wake(struct queue *queue);

#endif
