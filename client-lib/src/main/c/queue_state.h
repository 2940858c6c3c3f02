/* What the files of a queue (queue.h) share: queue.c its life, queue_parts.c what is in flight,
 * queue_await.c the wait for answers. One thread at a time, if nothing else is said. */

#ifndef RBDW_QUEUE_STATE_H
#define RBDW_QUEUE_STATE_H

#include "arena.h"
#include "queue.h"
#include "rbdw_segment.h"
#include "session.h"

/* A request, or a part of it, that the broker has; its tag is its index. */
struct queue_part {
    struct queue_request *request; /* NULL: not in flight */
    uint64_t correlation_id;
    uint64_t offset; /* from the request's start */
    uint32_t length; /* bytes */
    uint32_t page;   /* in the arena */
    uint32_t pages;
};

struct queue_line {
    struct queue_request *first;
    struct queue_request **end;
};

/* The session of a broker that is gone. Kept while a thread is in queue_await, which may look. */
struct former {
    struct former *next;
    struct session *session;
};

enum queue_image_state { QUEUE_IMAGE_FREE, QUEUE_IMAGE_OPENING, QUEUE_IMAGE_OPEN };

/* What the queue has opened; its index is what requests name. */
struct queue_image {
    enum queue_image_state state;
    int failure;     /* it could not be opened again: an error */
    uint32_t handle; /* of the session */
    struct image_id id;
    struct open_source source;
    char *path; /* the source's */
};

struct queue {
    _Atomic(struct session *) session; /* changes where the broker does */
    struct former *formers;
    struct queue_image *images;
    uint32_t image_count;
    int64_t looked_at_ns; /* whether the broker is there */
    bool owes_done; /* the broker has not answered ReplayDone */
    bool is_late;   /* a broker has said so, and not all is answered yet */
    bool has_left;  /* the next broker hears that nothing is open any more: nobody follows the session */
    uint32_t depth;    /* that is wanted */
    uint32_t max_read; /* bytes of a part */
    uint32_t max_write;
    _Atomic uint32_t length;
    uint32_t free_count;
    uint16_t free_tags[SEGMENT_MAX_DEPTH];
    struct queue_line waiting; /* the first of them may be in flight in part */
    struct queue_line done;
    _Atomic uint32_t waiters; /* threads in queue_await */
    _Atomic uint32_t watched; /* one thread (its token, taken.h) waits for the broker, others for that one */
    _Atomic uint32_t followers;
    _Atomic uint32_t changes; /* futex: the watch has ended, or queue_wake */
    struct arena arena;
    struct queue_part parts[SEGMENT_MAX_DEPTH];

    /* Parts that a broker which is gone has not answered, in the order of submission; so many of them are
     * submitted again. */
    struct queue_part again[2 * SEGMENT_MAX_DEPTH];
    uint32_t again_count;
    uint32_t again_done;
};

static inline struct session *queue_session(const struct queue *queue)
{
    return atomic_load_explicit(&queue->session, memory_order_acquire);
}

static inline struct channel *queue_channel(const struct queue *queue)
{
    return &queue_session(queue)->channel[0];
}

/* As its last look at the socket found it; without one. Any thread. */
static inline bool queue_is_known_dead(const struct queue *queue)
{
    return atomic_load_explicit(&queue_session(queue)->dead, memory_order_relaxed);
}

static inline void queue_line_init(struct queue_line *line)
{
    line->first = NULL;
    line->end = &line->first;
}

static inline void queue_line_add(struct queue_line *line, struct queue_request *request)
{
    request->next = NULL;
    *line->end = request;
    line->end = &request->next;
}

static inline struct queue_request *queue_line_take(struct queue_line *line)
{
    struct queue_request *request = line->first;
    if (request != NULL) {
        line->first = request->next;
        if (line->first == NULL) {
            line->end = &line->first;
        }
    }
    return request;
}

/* Takes what the broker has answered: requests of which all is answered are done. */
void queue_take_answers(struct queue *queue);

/* What was not answered, as far as there is room. Parts whose image is lost, or that come too late, have
 * failed. */
void queue_submit_again(struct queue *queue);

/* Nothing is in flight. */
bool queue_is_empty(const struct queue *queue);

struct session_wish queue_wish(uint32_t depth);

/* A queue that begins, or begins again with the next broker: nothing is in flight. */
void queue_use_session(struct queue *queue, struct session *session);

/* The broker is gone: waits for the next one until all can go on. 0, or an error with its text. */
int queue_follow(struct queue *queue);

/* Sessions before that nobody looks at any more. */
void queue_free_formers(struct queue *queue);

#endif
