/* Requests of a queue on their way: they go to the broker in parts, as there is room for them, and are
 * done when the last part is answered. */

#include <errno.h>
#include <string.h>

#include <org_rbdwrapper_ipc_codec/ioOp.h>

#include "queue_state.h"
#include "rbdw_protocol.h"
#include "user_copy.h"

#define MAX_ERRNO 4095

static bool is_transfer(const struct queue_request *request)
{
    return request->op == SBE(ioOp_READ) || request->op == SBE(ioOp_WRITE);
}

static bool is_all_submitted(const struct queue_request *request)
{
    return is_transfer(request) ? request->submitted >= request->end : request->submitted > 0;
}

/* Copies bytes of a request, from this offset on, between its vector and the arena. How many: fewer where the
 * program's memory ends. */
static size_t copy(const struct queue_request *request, uint64_t offset, char *arena, size_t length)
{
    const struct iovec *vector = request->vector;
    size_t done = 0;
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
        size_t copied = request->op == SBE(ioOp_READ) ? user_copy(bytes, arena, part)
                                                      : user_copy(arena, bytes, part);
        done += copied;
        if (copied < part) {
            break;
        }
        arena += part;
        length -= part;
    }
    return done;
}

static void end_by_fault(struct queue_request *request, uint64_t reached)
{
    if (reached < request->end) {
        request->end = reached;
        request->failure = -EFAULT;
    }
}

static char *data_of(const struct queue *queue, const struct queue_part *part)
{
    return queue_channel(queue)->arena + (size_t) part->page * SEGMENT_PAGE;
}

/* Its next part; nothing is submitted yet. */
static struct queue_part next_part(struct queue *queue, struct queue_request *request)
{
    struct queue_part part = {.request = request, .length = 1};
    if (is_transfer(request)) {
        part.offset = request->submitted;
        uint64_t left = request->end - part.offset;
        uint32_t most = request->op == SBE(ioOp_WRITE) ? queue->max_write : queue->max_read;
        part.length = left < most ? (uint32_t) left : most;
    }
    return part;
}

/* False where there is no room. Its length becomes what there is in the program's memory: 0, and nothing is
 * submitted, where there is none. */
static bool submit_part(struct queue *queue, struct queue_part *submitted)
{
    struct queue_part part = *submitted;
    struct queue_request *request = part.request;
    struct io_request entry = {request->op, queue->images[request->handle].handle,
                               request->position, (int64_t) request->length, 0};
    if (queue->free_count == 0) {
        return false;
    }
    if (is_transfer(request)) {
        part.pages = (part.length + SEGMENT_PAGE - 1) / SEGMENT_PAGE;
        int page = arena_take(&queue->arena, part.pages);
        if (page < 0) {
            return false;
        }
        part.page = (uint32_t) page;
        if (request->op == SBE(ioOp_WRITE)) {
            size_t copied = copy(request, part.offset, data_of(queue, &part), part.length);
            if (copied < part.length) {
                end_by_fault(request, part.offset + copied);
                part.length = submitted->length = (uint32_t) copied;
            }
            if (copied == 0) {
                arena_give_back(&queue->arena, part.page, part.pages);
                return true;
            }
        }
        entry.position += (int64_t) part.offset;
        entry.length = part.length;
    }
    uint16_t tag = queue->free_tags[--queue->free_count];
    part.correlation_id =
        channel_publish(queue_channel(queue), tag, part.page * SEGMENT_PAGE, &entry);
    queue->parts[tag] = part;
    return true;
}

static void complete(struct queue *queue, struct queue_request *request)
{
    if (request->failure < 0 && (!is_transfer(request) || request->end == 0)) {
        request->result = request->failure;
    } else {
        request->result = is_transfer(request) ? (int64_t) request->end : 0;
    }
    queue_line_add(&queue->done, request);
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
        queue_line_add(&queue->waiting, request);
    }
}

void queue_add_done(struct queue *queue, struct queue_request *request)
{
    queue->length++;
    queue_line_add(&queue->done, request);
}

static void fail(struct queue_request *request, int64_t failure)
{
    request->end = 0;
    request->failure = failure;
}

/* What is left of it is not for a broker with which its image could not be opened again. */
static void refuse_rest(struct queue_request *request, int failure)
{
    request->end = request->submitted;
    request->submitted = is_transfer(request) ? request->end : 1;
    request->failure = failure;
}

static void start_waiting(struct queue *queue)
{
    bool submitted = false;
    struct queue_request *request;
    while ((request = queue->waiting.first) != NULL) {
        int failure = queue->images[request->handle].failure;
        if (!is_all_submitted(request) && failure < 0) {
            refuse_rest(request, failure);
        } else if (!is_all_submitted(request)) {
            struct queue_part part = next_part(queue, request);
            if (!submit_part(queue, &part)) {
                break;
            }
            request->submitted += part.length;
            request->in_flight += part.length > 0;
            submitted |= part.length > 0;
        } else {
            queue_line_take(&queue->waiting);
            if (request->in_flight == 0) {
                complete(queue, request); /* it ended early */
            }
        }
    }
    if (submitted) {
        session_ring_doorbell(queue_session(queue));
    }
}

static void on_result(struct queue *queue, const struct queue_part *part, int64_t result)
{
    struct queue_request *request = part->request;
    request->in_flight--;
    if (!is_transfer(request)) {
        request->failure = result < 0 ? result : 0;
    } else {
        uint64_t reached = part->offset + (result > 0 ? (uint64_t) result : 0);
        if (result < (int64_t) part->length && reached < request->end) {
            request->end = reached;
            request->failure = result < 0 ? result : 0;
        }
    }
    if (request->in_flight == 0 && request != queue->waiting.first) {
        complete(queue, request);
    }
}

/* Nothing will be answered. */
static void fail_all(struct queue *queue)
{
    struct queue_request *request;
    for (uint32_t i = queue->again_done; i < queue->again_count; i++) {
        on_result(queue, &queue->again[i], -ENOTCONN);
    }
    queue->again_count = queue->again_done = 0;
    while ((request = queue_line_take(&queue->waiting)) != NULL) {
        fail(request, -ENOTCONN);
        complete(queue, request);
    }
}

void queue_start(struct queue *queue)
{
    if (queue_follow(queue) < 0) {
        fail_all(queue);
    } else {
        start_waiting(queue);
    }
}

/* Why the part may not be done again, or 0. */
static int refusal(const struct queue *queue, const struct queue_part *part)
{
    const struct queue_request *request = part->request;
    bool is_change = request->op != SBE(ioOp_READ) && request->op != SBE(ioOp_FLUSH);
    if (queue->images[request->handle].failure < 0) {
        return queue->images[request->handle].failure;
    }
    return is_change && queue_session(queue)->is_late ? -EIO : 0;
}

void queue_submit_again(struct queue *queue)
{
    bool submitted = false;
    while (queue->again_done < queue->again_count) {
        struct queue_part *part = &queue->again[queue->again_done];
        int error = refusal(queue, part);
        if (error < 0) {
            on_result(queue, part, error);
        } else if (submit_part(queue, part)) {
            if (part->length == 0) {
                on_result(queue, part, 0);
            }
            submitted = true;
        } else {
            break;
        }
        queue->again_done++;
    }
    if (submitted) {
        session_ring_doorbell(queue_session(queue));
    }
}

bool queue_is_empty(const struct queue *queue)
{
    return queue->free_count == queue_channel(queue)->depth;
}

static void on_answer(struct queue *queue, struct queue_part *in_flight, int64_t result)
{
    struct queue_part part = *in_flight;
    in_flight->request = NULL;
    if (is_transfer(part.request)) {
        if (part.request->op == SBE(ioOp_READ) && result > 0) {
            size_t copied = copy(part.request, part.offset, data_of(queue, &part), (size_t) result);
            if (copied < (size_t) result) {
                end_by_fault(part.request, part.offset + copied);
            }
        }
        arena_give_back(&queue->arena, part.page, part.pages);
    }
    queue->free_tags[queue->free_count++] = (uint16_t) (in_flight - queue->parts);
    on_result(queue, &part, result);
}

void queue_take_answers(struct queue *queue)
{
    while (channel_has_response(queue_channel(queue))) {
        int64_t result;
        uint64_t correlation_id = channel_take(queue_channel(queue), &result);
        uint32_t tag = correlation_id & SEGMENT_TAG_MASK;
        struct queue_part *part = tag < queue_channel(queue)->depth ? &queue->parts[tag] : NULL;
        if (part == NULL || part->request == NULL
            || part->correlation_id != correlation_id || result < -MAX_ERRNO
            || (is_transfer(part->request) && result > (int64_t) part->length)) {
            atomic_store(&queue_session(queue)->dead, true); /* the broker may be wrong, but not write
                                                          past the caller's buffer */
            return;
        }
        on_answer(queue, part, result);
    }
}
