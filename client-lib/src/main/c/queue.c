#include "queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "file.h"
#include "futex.h"
#include "queue_state.h"
#include "succession.h"

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

void queue_use_session(struct queue *queue, struct session *session)
{
    uint32_t granted = session->channel[0].arena_length;
    queue->max_read = granted / READ_PARTS / SEGMENT_PAGE * SEGMENT_PAGE;
    queue->max_write = granted / WRITE_PARTS / SEGMENT_PAGE * SEGMENT_PAGE;
    arena_init(&queue->arena, granted);
    queue->free_count = 0;
    for (uint32_t tag = session->channel[0].depth; tag-- > 0;) {
        queue->free_tags[queue->free_count++] = (uint16_t) tag;
    }
    atomic_store(&queue->session, session);
}

struct session_wish queue_wish(uint32_t depth)
{
    return (struct session_wish) {1, (uint16_t) depth, ARENA_LENGTH, 0};
}

static int make_session(uint32_t depth, struct session **session)
{
    struct session_wish wish = queue_wish(depth);
    session_lock();
    int error = session_make(&wish, (struct session_key) {0, 0}, session);
    if (error == 0) {
        (*session)->references = 1;
    }
    session_unlock();
    return error;
}

int queue_create(uint32_t depth, struct queue **made)
{
    struct session *session;
    struct queue *queue = calloc(1, sizeof *queue);
    if (queue == NULL) {
        return error_set(ENOMEM, "no memory for asynchronous requests");
    }
    queue->depth = depth_for(depth);
    struct attempts attempts = succession_first_attempt();
    int error;
    do { /* the program has an image open: its broker comes back */
        error = make_session(queue->depth, &session);
    } while ((error == -ECONNREFUSED || error == -ENOTCONN)
             && succession_try_again(&attempts, error));
    if (error < 0) {
        free(queue);
        return error;
    }
    queue_line_init(&queue->waiting);
    queue_line_init(&queue->done);
    queue_use_session(queue, session);
    *made = queue;
    return 0;
}

bool queue_is_ours(const struct queue *queue)
{
    return session_is_ours(queue_session(queue));
}

bool queue_is_alive(const struct queue *queue)
{
    return session_is_alive(queue_session(queue));
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
    return (struct queue_sight) {channel_responses_taken(queue_channel(queue)), atomic_load(&queue->changes)};
}

/* Under the lock: if its broker has ended, the next one takes what was open to be in use by us until it
 * hears of it. */
static void end_absence(struct queue *queue)
{
    struct session *session = queue_session(queue);
    bool is_absent = session_is_ours(session) && !session_is_alive(session) && !queue->has_left;
    for (uint32_t i = 0; i < queue->image_count; i++) {
        is_absent &= queue->images[i].state == QUEUE_IMAGE_FREE;
    }
    if (is_absent && !session_is_nested(0)) {
        queue->has_left = true;
        succession_end_for(session->key);
    }
}

void queue_destroy(struct queue *queue)
{
    if (queue->length > 0) {
        queue_start(queue); /* which waits for a broker where there is none */
    }
    while (queue->length > 0) {
        while (queue_reap(queue) != NULL) {
        }
        if (queue->length > 0) {
            queue_await(queue, queue_look(queue), INT64_MAX, true);
        }
    }
    queue_free_formers(queue);
    for (uint32_t i = 0; i < queue->image_count; i++) {
        queue->images[i].state = QUEUE_IMAGE_FREE;
        free(queue->images[i].path);
    }
    session_lock();
    end_absence(queue);
    session_release(queue_session(queue));
    session_unlock();
    free(queue->images);
    free(queue);
}

/* The index of an image that is free, or an error with its text. */
static int take_image(struct queue *queue)
{
    for (uint32_t i = 0; i < queue->image_count; i++) {
        if (queue->images[i].state == QUEUE_IMAGE_FREE) {
            return (int) i;
        }
    }
    uint32_t count = queue->image_count == 0 ? 4 : 2 * queue->image_count;
    struct queue_image *images = reallocarray(queue->images, count, sizeof *images);
    if (images == NULL) {
        return error_set(ENOMEM, "no memory for asynchronous requests");
    }
    memset(images + queue->image_count, 0, (count - queue->image_count) * sizeof *images);
    int first = (int) queue->image_count;
    queue->images = images;
    queue->image_count = count;
    return first;
}

/* What it is, and how it is opened. */
static void look_at(const struct rbdw_file *file, struct open_source *source, struct image_id *id)
{
    session_lock();
    *source = file->source;
    *id = file->id;
    session_unlock();
}

/* With a reference, so that a request on its socket can be made without the caller's lock. */
static struct session *hold_session(struct queue *queue)
{
    session_lock();
    struct session *session = queue_session(queue);
    session->references++;
    session_begin_request(session);
    session_unlock();
    return session;
}

static void let_session_go(struct session *session)
{
    session_lock();
    session_end_request(session);
    session_release(session);
    session_unlock();
}

int queue_open_begin(struct queue *queue, const rbdw_file *file, struct queue_opening *opening)
{
    queue_is_alive(queue); /* has a look */
    int error = queue_follow(queue);
    if (error < 0) {
        return error;
    }
    int index = take_image(queue);
    if (index < 0) {
        return index;
    }
    struct queue_image *image = &queue->images[index];
    char *copy = strdup(file->path);
    if (copy == NULL) {
        return error_set(ENOMEM, "no memory for asynchronous requests");
    }
    free(image->path);
    image->path = copy;
    look_at(file, &image->source, &image->id);
    image->source.path = copy;
    image->failure = 0;
    image->state = QUEUE_IMAGE_OPENING;
    opening->handle = (uint32_t) index;
    opening->handle_there = 0;
    opening->session = hold_session(queue);
    return 0;
}

int queue_open_ask(const rbdw_file *file, struct queue_opening *opening)
{
    struct open_source source;
    struct image_id id;
    look_at(file, &source, &id);
    return control_open_again(opening->session->control, &source, &id, &opening->handle_there);
}

int queue_open_end(struct queue *queue, struct queue_opening *opening, int error)
{
    struct queue_image *image = &queue->images[opening->handle];
    struct session *session = opening->session;
    session_after_control(session);
    bool is_gone = session_is_known_dead(session) || session != queue_session(queue);
    if (is_gone && (error == 0 || error == -ENOTCONN)) {
        error = -EAGAIN;
    }
    image->handle = opening->handle_there;
    image->state = error == 0 ? QUEUE_IMAGE_OPEN : QUEUE_IMAGE_FREE;
    let_session_go(session);
    return error;
}

bool queue_close_begin(struct queue *queue, uint32_t handle, struct queue_closing *closing)
{
    struct queue_image *image = &queue->images[handle];
    bool is_there = session_is_alive(queue_session(queue)) && image->failure == 0;
    image->state = QUEUE_IMAGE_FREE;
    if (is_there) {
        closing->handle_there = image->handle;
        closing->session = hold_session(queue);
    }
    session_lock();
    end_absence(queue);
    session_unlock();
    return is_there;
}

void queue_close_ask(struct queue_closing *closing)
{
    control_close(closing->session->control, closing->handle_there);
    let_session_go(closing->session);
}

/* Who never waits, but asks again and again, is to hear of the broker's end, too. */
static void look_now_and_then(struct queue *queue)
{
    int64_t now = futex_now_ns();
    if (now - queue->looked_at_ns > FUTEX_LOOK_NS) {
        queue->looked_at_ns = now;
        session_is_alive(queue_session(queue));
    }
}

struct queue_request *queue_reap(struct queue *queue)
{
    if (queue->done.first == NULL && queue->length > 0) {
        queue_take_answers(queue);
        look_now_and_then(queue);
        queue_start(queue);
    }
    queue_free_formers(queue);
    struct queue_request *request = queue_line_take(&queue->done);
    if (request != NULL) {
        queue->length--;
    }
    return request;
}
