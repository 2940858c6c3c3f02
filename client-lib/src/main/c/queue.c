#include "queue.h"

#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "queue_state.h"

#define MIN_DEPTH 16
#define ARENA_LENGTH (4 * 1024 * 1024)
/* Parts of reads are copied while others are under way; those of writes are longer, for each is a request to
 * the cluster (channel_split). */
#define READ_PARTS 8 /* of the arena's length */
#define WRITE_PARTS 4

static uint32_t depth_for(uint32_t wanted)
{
    uint32_t depth = MIN_DEPTH;
    while (depth < wanted && depth < QUEUE_MAX_DEPTH) {
        depth *= 2;
    }
    return depth;
}

/* A queue that begins, or begins again: nothing is in flight. */
static void use_session(struct queue *queue, struct session *session)
{
    uint32_t granted = session->channel[0].arena_length;
    queue->max_read = granted / READ_PARTS / SEGMENT_PAGE * SEGMENT_PAGE;
    queue->max_write = granted / WRITE_PARTS / SEGMENT_PAGE * SEGMENT_PAGE;
    arena_init(&queue->arena, granted);
    queue->free_count = 0;
    for (uint32_t tag = session->channel[0].mask + 1; tag-- > 0;) {
        queue->free_tags[queue->free_count++] = (uint16_t) tag;
    }
    atomic_store(&queue->session, session);
}

static int make_session(uint32_t depth, struct session **session)
{
    session_lock();
    int error = session_make_queued((uint16_t) depth, ARENA_LENGTH, session);
    session_unlock();
    return error;
}

static void release(struct session *session)
{
    session_lock();
    session_release(session);
    session_unlock();
}

int queue_create(uint32_t depth, struct queue **made)
{
    struct session *session;
    struct queue *queue = calloc(1, sizeof *queue);
    if (queue == NULL) {
        return error_set(ENOMEM, "no memory for asynchronous requests");
    }
    queue->depth = depth_for(depth);
    int error = make_session(queue->depth, &session);
    if (error < 0) {
        free(queue);
        return error;
    }
    queue_line_init(&queue->waiting);
    queue_line_init(&queue->done);
    use_session(queue, session);
    *made = queue;
    return 0;
}

int queue_renew(struct queue *queue)
{
    struct session *session;
    struct former *former = malloc(sizeof *former);
    if (former == NULL) {
        return error_set(ENOMEM, "no memory for asynchronous requests");
    }
    int error = make_session(queue->depth, &session);
    if (error < 0) {
        free(former);
        return error;
    }
    queue_wake(queue); /* who waits for the former broker; nobody begins to, for the caller's lock */
    former->session = queue_session(queue);
    former->next = queue->formers;
    queue->formers = former;
    use_session(queue, session);
    return 0;
}

bool queue_is_ours(const struct queue *queue)
{
    return session_is_ours(queue_session(queue));
}

bool queue_is_dead(const struct queue *queue)
{
    return !session_is_alive(queue_session(queue));
}

bool queue_has_done(const struct queue *queue)
{
    return queue->done.first != NULL;
}

uint32_t queue_length(const struct queue *queue)
{
    return queue->length;
}

struct queue_sight queue_look(const struct queue *queue)
{
    return (struct queue_sight) {queue_channel(queue)->response_position, atomic_load(&queue->changes)};
}

void queue_destroy(struct queue *queue)
{
    queue_start(queue);
    while (queue->length > 0) {
        while (queue_reap(queue) != NULL) {
        }
        if (queue->length > 0) {
            queue_await(queue, queue_look(queue), INT64_MAX, true);
        }
    }
    release(queue_session(queue));
    while (queue->formers != NULL) {
        struct former *former = queue->formers;
        queue->formers = former->next;
        release(former->session);
        free(former);
    }
    free(queue);
}

int queue_open(struct queue *queue, const char *path, int access_mode, uint32_t *handle,
               uint32_t *mapping_id)
{
    struct session *session = queue_session(queue);
    struct image_stat stat;
    session_lock();
    int error = session_is_alive(session) ? 0 : session_gone();
    if (error == 0) {
        error = control_open(&session->control, path, access_mode, handle);
    }
    if (error == 0) {
        error = control_stat(&session->control, *handle, NULL, &stat);
        *mapping_id = stat.mapping_id;
        if (error < 0) {
            control_close(&session->control, *handle);
        }
    }
    session_after_control(session);
    session_unlock();
    return error;
}

void queue_close(struct queue *queue, uint32_t handle)
{
    struct session *session = queue_session(queue);
    session_lock();
    if (session_is_alive(session)) {
        control_close(&session->control, handle);
        session_after_control(session);
    }
    session_unlock();
}

struct queue_request *queue_reap(struct queue *queue)
{
    if (queue->done.first == NULL && queue->length > 0) {
        queue_take_answers(queue);
        queue_start(queue);
    }
    struct queue_request *request = queue_line_take(&queue->done);
    if (request != NULL) {
        queue->length--;
    }
    return request;
}
