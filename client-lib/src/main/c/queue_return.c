/* What a queue does when its broker has gone: it waits for the next one, opens its images again and makes
 * the requests again that had no answer, as succession.c does for threads. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "futex.h"
#include "queue_state.h"
#include "succession.h"

/* Between two looks at the broker while requests are made again. */
#define LOOK_NS INT64_C(100000000)

static int compare_parts(const void *left, const void *right)
{
    uint64_t a = ((const struct queue_part *) left)->correlation_id;
    uint64_t b = ((const struct queue_part *) right)->correlation_id;
    return a < b ? -1 : a > b;
}

/* What is in flight has no answer, and comes before what was not made again yet. */
static void lose(struct queue *queue)
{
    uint32_t tags = queue_channel(queue)->depth;
    uint32_t left = queue->again_count - queue->again_done;
    uint32_t lost = 0;
    for (uint32_t tag = 0; tag < tags; tag++) {
        lost += queue->parts[tag].request != NULL;
    }
    memmove(queue->again + lost, queue->again + queue->again_done, left * sizeof *queue->again);
    queue->again_count = 0;
    queue->again_done = 0;
    for (uint32_t tag = 0; tag < tags; tag++) {
        if (queue->parts[tag].request != NULL) {
            queue->again[queue->again_count++] = queue->parts[tag];
            queue->parts[tag].request = NULL;
        }
    }
    qsort(queue->again, lost, sizeof *queue->again, compare_parts);
    queue->again_count += left;
}

/* Threads that are in queue_await may still look at the former sessions. */
void queue_free_formers(struct queue *queue)
{
    if (queue->formers == NULL || atomic_load(&queue->waiters) > 0) {
        return;
    }
    session_lock();
    while (queue->formers != NULL) {
        struct former *former = queue->formers;
        queue->formers = former->next;
        session_release(former->session);
        free(former);
    }
    session_unlock();
}

/* Under the lock. */
static int open_images(struct queue *queue, struct session *session)
{
    for (uint32_t i = 0; i < queue->image_count; i++) {
        struct queue_image *image = &queue->images[i];
        if (image->state != QUEUE_IMAGE_OPEN) {
            continue;
        }
        int error =
            control_open_again(session->control, &image->source, &image->id, &image->handle);
        session_after_control(session);
        if (!session_is_alive(session)) {
            return session_gone();
        }
        image->failure = error;
    }
    return 0;
}

static int make_next(struct queue *queue, struct session_key *before, struct session **next)
{
    struct session_wish wish = queue_wish(queue->depth);
    session_lock();
    int error = session_make(&wish, *before, next);
    if (error == 0) {
        (*next)->references = 1;
        /* that broker may end before all of it was told so, and the next one does not know of it */
        queue->is_late |= (*next)->is_late;
        (*next)->is_late = queue->is_late;
        if ((*next)->channel[0].arena_length < queue_channel(queue)->arena_length) {
            error = error_set(EPROTONOSUPPORT, "the next broker grants less memory");
        } else {
            error = open_images(queue, *next);
        }
        if (error < 0) {
            *before = (*next)->key;
            session_release(*next);
        }
    }
    session_unlock();
    return error;
}

/* 0, or an error with its text where no broker came in time. */
static int go_on(struct queue *queue)
{
    struct attempts attempts = succession_first_attempt();
    struct session_key before = queue->has_left ? (struct session_key) {0, 0} : queue_session(queue)->key;
    struct session *next;
    int error;
    struct former *former = malloc(sizeof *former);
    if (former == NULL) {
        return error_set(ENOMEM, "no memory for asynchronous requests");
    }
    while ((error = make_next(queue, &before, &next)) < 0) {
        if (!succession_try_again(&attempts, error)) {
            free(former);
            return error;
        }
    }
    session_lock();
    session_wake_all(queue_session(queue));
    session_unlock();
    former->session = queue_session(queue);
    former->next = queue->formers;
    queue->formers = former;
    queue_use_session(queue, next);
    queue->has_left = false;
    queue_wake(queue); /* who waits for the former broker; nobody begins to, for the caller's lock */
    queue_free_formers(queue);
    return 0;
}

/* True when all of it is answered; false where that broker is gone as well. */
static bool replay(struct queue *queue)
{
    while (true) {
        queue_submit_again(queue);
        if (queue->again_done == queue->again_count && queue_is_empty(queue)) {
            queue->again_count = queue->again_done = 0;
            return true;
        }
        queue_await(queue, queue_look(queue), futex_now_ns() + LOOK_NS, false);
        queue_take_answers(queue);
        if (!session_is_alive(queue_session(queue))) {
            queue_take_answers(queue); /* its last */
            return false;
        }
    }
}

int queue_come_back(struct queue *queue)
{
    bool is_back = false;
    queue->owes_done = false;
    queue_take_answers(queue); /* the last of the broker that is gone */
    while (!is_back) {
        lose(queue);
        int error = go_on(queue);
        if (error < 0) {
            return error;
        }
        is_back = replay(queue);
        if (is_back) {
            queue->owes_done = true;
            is_back = control_send_replay_done(queue_session(queue)->control) == 0;
        }
        if (!is_back) {
            atomic_store(&queue_session(queue)->dead, true);
        }
    }
    queue->is_late = false;
    return 0;
}

static int follow(struct queue *queue)
{
    while (queue_is_known_dead(queue) || queue->owes_done) {
        if (queue_is_known_dead(queue)) {
            queue->owes_done = false;
            int error = queue_come_back(queue);
            if (error < 0) {
                return error;
            }
        }
        if (queue->owes_done) {
            succession_others_return();
            if (control_await_replay_done(queue_session(queue)->control) < 0) {
                atomic_store(&queue_session(queue)->dead, true);
            }
            queue->owes_done = false;
        }
    }
    return 0;
}

int queue_follow(struct queue *queue)
{
    if (!queue_is_known_dead(queue) && !queue->owes_done) {
        return 0;
    }
    struct taken_mark mark;
    session_begin_following(&mark);
    int error = follow(queue);
    session_end_following();
    return error;
}
