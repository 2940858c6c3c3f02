#include "queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <org_rbdwrapper_ipc_codec/ioOp.h>

#include "arena.h"
#include "error.h"
#include "futex.h"
#include "rbdw_protocol.h"
#include "session.h"

#define MIN_DEPTH 16
#define ARENA_LENGTH (4 * 1024 * 1024)
#define MAX_PART (512 * 1024) /* bytes; an eighth of the arena: parts are copied while others are under way */
#define MAX_ERRNO 4095
#define SECOND_NS INT64_C(1000000000)

/* A request, or a part of it, that the broker has; its tag is its index. */
struct part {
    struct queue_request *request; /* NULL: not in flight */
    uint64_t correlation_id;
    uint64_t offset; /* from the request's start */
    uint32_t length; /* bytes */
    uint32_t page;   /* in the arena */
    uint32_t pages;
};

struct line {
    struct queue_request *first;
    struct queue_request **end;
};

/* The session of a broker that is gone. Kept until the queue ends: a thread in queue_await may look. */
struct former {
    struct former *next;
    struct session *session;
};

struct queue {
    _Atomic(struct session *) session; /* changes where the broker does */
    struct former *formers;
    uint32_t depth;    /* that is wanted */
    uint32_t max_part; /* bytes */
    uint32_t length;
    uint32_t free_count;
    uint16_t free_tags[SEGMENT_MAX_DEPTH];
    struct line waiting; /* the first of them may be in flight in part */
    struct line done;
    _Atomic uint32_t watched; /* one thread at a time waits for the broker, others for that one */
    _Atomic uint32_t followers;
    _Atomic uint32_t changes; /* futex: the watch has ended, or queue_wake */
    struct arena arena;
    struct part parts[SEGMENT_MAX_DEPTH];
};

static struct session *session_of(const struct queue *queue)
{
    return atomic_load_explicit(&queue->session, memory_order_acquire);
}

static struct channel *channel_of(const struct queue *queue)
{
    return &session_of(queue)->channel[0];
}

static void line_init(struct line *line)
{
    line->first = NULL;
    line->end = &line->first;
}

static void line_add(struct line *line, struct queue_request *request)
{
    request->next = NULL;
    *line->end = request;
    line->end = &request->next;
}

static struct queue_request *line_take(struct line *line)
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
    queue->max_part = granted < ARENA_LENGTH ? granted / 8 : MAX_PART;
    queue->max_part = queue->max_part / SEGMENT_PAGE * SEGMENT_PAGE;
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
    line_init(&queue->waiting);
    line_init(&queue->done);
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
    former->session = session_of(queue);
    former->next = queue->formers;
    queue->formers = former;
    use_session(queue, session);
    return 0;
}

bool queue_is_ours(const struct queue *queue)
{
    return session_is_ours(session_of(queue));
}

static bool is_dead(const struct queue *queue)
{
    return atomic_load_explicit(&session_of(queue)->dead, memory_order_relaxed);
}

bool queue_is_dead(const struct queue *queue)
{
    return !session_is_alive(session_of(queue));
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
    return (struct queue_sight) {channel_of(queue)->response_position, atomic_load(&queue->changes)};
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
    release(session_of(queue));
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
    struct session *session = session_of(queue);
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
    struct session *session = session_of(queue);
    session_lock();
    if (session_is_alive(session)) {
        control_close(&session->control, handle);
        session_after_control(session);
    }
    session_unlock();
}

static bool is_transfer(const struct queue_request *request)
{
    return request->op == SBE(ioOp_READ) || request->op == SBE(ioOp_WRITE);
}

static bool is_all_submitted(const struct queue_request *request)
{
    return is_transfer(request) ? request->submitted >= request->end : request->submitted > 0;
}

/* Copies bytes of a request, from this offset on, between its vector and the arena. */
static void copy(const struct queue_request *request, uint64_t offset, char *arena, size_t length)
{
    const struct iovec *vector = request->vector;
    while (offset >= vector->iov_len) {
        offset -= vector->iov_len;
        vector++;
    }
    for (; length > 0; vector++, offset = 0) {
        size_t part = vector->iov_len - offset;
        char *bytes = (char *) vector->iov_base + offset;
        if (part > length) {
            part = length;
        }
        if (request->op == SBE(ioOp_READ)) {
            memcpy(bytes, arena, part);
        } else {
            memcpy(arena, bytes, part);
        }
        arena += part;
        length -= part;
    }
}

static char *data_of(const struct queue *queue, const struct part *part)
{
    return channel_of(queue)->arena + (size_t) part->page * SEGMENT_PAGE;
}

/* False where there is no room. */
static bool submit_part(struct queue *queue, struct queue_request *request)
{
    if (queue->free_count == 0) {
        return false;
    }
    struct part part = {.request = request};
    struct io_request entry = {request->op, request->handle, request->position,
                               (int64_t) request->length};
    if (is_transfer(request)) {
        part.offset = request->submitted;
        uint64_t left = request->end - part.offset;
        part.length = left < queue->max_part ? (uint32_t) left : queue->max_part;
        part.pages = (part.length + SEGMENT_PAGE - 1) / SEGMENT_PAGE;
        int page = arena_take(&queue->arena, part.pages);
        if (page < 0) {
            return false;
        }
        part.page = (uint32_t) page;
        if (request->op == SBE(ioOp_WRITE)) {
            copy(request, part.offset, data_of(queue, &part), part.length);
        }
        entry.position += (int64_t) part.offset;
        entry.length = part.length;
        request->submitted += part.length;
    } else {
        request->submitted++;
    }
    uint16_t tag = queue->free_tags[--queue->free_count];
    part.correlation_id =
        channel_publish(channel_of(queue), tag, part.page * SEGMENT_PAGE, &entry);
    queue->parts[tag] = part;
    request->in_flight++;
    return true;
}

static void complete(struct queue *queue, struct queue_request *request)
{
    if (request->failure < 0 && (!is_transfer(request) || request->end == 0)) {
        request->result = request->failure;
    } else {
        request->result = is_transfer(request) ? (int64_t) request->end : 0;
    }
    line_add(&queue->done, request);
}

void queue_add(struct queue *queue, struct queue_request *request)
{
    request->submitted = 0;
    request->end = request->length;
    request->failure = 0;
    request->in_flight = 0;
    queue->length++;
    if (is_transfer(request) && request->length == 0) {
        complete(queue, request);
    } else {
        line_add(&queue->waiting, request);
    }
}

void queue_add_done(struct queue *queue, struct queue_request *request)
{
    queue->length++;
    line_add(&queue->done, request);
}

static void fail(struct queue_request *request, int64_t failure)
{
    request->end = 0;
    request->failure = failure;
}

static void start_waiting(struct queue *queue)
{
    bool submitted = false;
    struct queue_request *request;
    while ((request = queue->waiting.first) != NULL) {
        if (!is_all_submitted(request)) {
            if (!submit_part(queue, request)) {
                break;
            }
            submitted = true;
        } else {
            line_take(&queue->waiting);
            if (request->in_flight == 0) {
                complete(queue, request); /* it ended early */
            }
        }
    }
    if (submitted) {
        session_ring_doorbell(session_of(queue));
    }
}

/* The broker is gone: nothing will be answered. */
static void fail_all(struct queue *queue)
{
    struct queue_request *request;
    for (uint32_t tag = 0; tag <= channel_of(queue)->mask; tag++) {
        request = queue->parts[tag].request;
        if (request == NULL) {
            continue;
        }
        queue->parts[tag].request = NULL; /* its tag and pages are not used again */
        fail(request, -ENOTCONN);
        if (--request->in_flight == 0 && request != queue->waiting.first) {
            complete(queue, request);
        }
    }
    while ((request = line_take(&queue->waiting)) != NULL) {
        fail(request, -ENOTCONN);
        complete(queue, request);
    }
}

void queue_start(struct queue *queue)
{
    if (is_dead(queue)) {
        fail_all(queue);
    } else {
        start_waiting(queue);
    }
}

static void on_answer(struct queue *queue, struct part *part, int64_t result)
{
    struct queue_request *request = part->request;
    part->request = NULL;
    request->in_flight--;
    if (!is_transfer(request)) {
        request->failure = result < 0 ? result : 0;
    } else {
        if (request->op == SBE(ioOp_READ) && result > 0) {
            copy(request, part->offset, data_of(queue, part), (size_t) result);
        }
        uint64_t reached = part->offset + (result > 0 ? (uint64_t) result : 0);
        if (result < (int64_t) part->length && reached < request->end) {
            request->end = reached;
            request->failure = result < 0 ? result : 0;
        }
        arena_give_back(&queue->arena, part->page, part->pages);
    }
    queue->free_tags[queue->free_count++] = (uint16_t) (part - queue->parts);
    if (request->in_flight == 0 && request != queue->waiting.first) {
        complete(queue, request);
    }
}

static void take_answers(struct queue *queue)
{
    while (channel_has_response(channel_of(queue))) {
        int64_t result;
        uint64_t correlation_id = channel_take(channel_of(queue), &result);
        uint32_t tag = correlation_id & SEGMENT_TAG_MASK;
        struct part *part = &queue->parts[tag & channel_of(queue)->mask];
        if (tag > channel_of(queue)->mask || part->request == NULL
            || part->correlation_id != correlation_id || result < -MAX_ERRNO
            || (is_transfer(part->request) && result > (int64_t) part->length)) {
            atomic_store(&session_of(queue)->dead, true); /* the broker may be wrong, but not write
                                                          past the caller's buffer */
            return;
        }
        on_answer(queue, part, result);
    }
}

struct queue_request *queue_reap(struct queue *queue)
{
    if (queue->done.first == NULL && queue->length > 0) {
        take_answers(queue);
        queue_start(queue);
    }
    struct queue_request *request = line_take(&queue->done);
    if (request != NULL) {
        queue->length--;
    }
    return request;
}

/* 0: woken, or for no reason; -EAGAIN: it is time to look whether the broker is there. */
static int sleep_until(_Atomic uint32_t *word, uint32_t value, int scope, int64_t deadline_ns)
{
    int64_t left = deadline_ns - futex_now_ns();
    if (left <= 0) {
        return -ETIMEDOUT;
    }
    if (left > FUTEX_LOOK_NS) {
        left = FUTEX_LOOK_NS;
    }
    struct timespec timeout = {left / SECOND_NS, left % SECOND_NS};
    if (syscall(SYS_futex, word, FUTEX_WAIT | scope, value, &timeout, NULL, 0) == 0) {
        return 0;
    }
    return errno == EINTR ? -EINTR : errno == ETIMEDOUT ? -EAGAIN : 0;
}

static bool is_changed(const struct queue *queue, struct queue_sight sight)
{
    return channel_has_come(channel_of(queue), sight.position)
           || atomic_load(&queue->changes) != sight.changes || is_dead(queue);
}

/* As channel_await_response. */
static int watch(struct queue *queue, struct queue_sight sight, int64_t deadline_ns, bool may_spin)
{
    _Atomic uint32_t *waiting = &channel_of(queue)->control->client_waiting;
    if (may_spin && channel_spin(channel_of(queue), sight.position, deadline_ns)) {
        return 0;
    }
    int result = 0;
    while (true) {
        atomic_store_explicit(waiting, 1, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst);
        if (is_changed(queue, sight)) {
            break;
        }
        if (result < 0 && result != -EAGAIN) {
            return result;
        }
        result = sleep_until(waiting, 1, FUTEX_SHARED, deadline_ns);
        if (result == -EAGAIN) {
            session_is_alive(session_of(queue));
        }
    }
    atomic_store_explicit(waiting, 0, memory_order_relaxed);
    return 0;
}

static void announce_change(struct queue *queue)
{
    atomic_fetch_add(&queue->changes, 1);
    futex_wake(&queue->changes, INT32_MAX, FUTEX_PRIVATE);
}

int queue_await(struct queue *queue, struct queue_sight sight, int64_t deadline_ns, bool may_spin)
{
    uint32_t nobody = 0;
    if (is_changed(queue, sight)) {
        return 0;
    }
    if (!atomic_compare_exchange_strong(&queue->watched, &nobody, 1)) {
        atomic_fetch_add(&queue->followers, 1);
        int result = 0;
        if (atomic_load(&queue->watched) != 0) { /* whoever has just left saw no follower */
            result = sleep_until(&queue->changes, sight.changes, FUTEX_PRIVATE, deadline_ns);
        }
        atomic_fetch_sub(&queue->followers, 1);
        return result == -EAGAIN ? 0 : result;
    }
    int result = watch(queue, sight, deadline_ns, may_spin);
    atomic_store(&queue->watched, 0);
    if (atomic_load(&queue->followers) > 0) {
        announce_change(queue);
    }
    return result;
}

void queue_wake(struct queue *queue)
{
    _Atomic uint32_t *waiting = &channel_of(queue)->control->client_waiting;
    announce_change(queue);
    atomic_store(waiting, 0);
    futex_wake(waiting, INT32_MAX, FUTEX_SHARED);
}
