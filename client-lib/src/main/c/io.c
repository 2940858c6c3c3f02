#include "io.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <org_rbdwrapper_ipc_codec/ioOp.h>

#include "error.h"
#include "rbdw_protocol.h"
#include "user_copy.h"

#define MAX_ERRNO 4095

static bool is_transfer(const struct operation *operation)
{
    return operation->op == SBE(ioOp_READ) || operation->op == SBE(ioOp_WRITE);
}

static bool has_new(const struct operation *operation)
{
    return is_transfer(operation) ? operation->submitted < operation->end
                                  : operation->submitted == 0;
}

static bool has_next(const struct operation *operation, bool only_again)
{
    return operation->again_count > 0 || (!only_again && has_new(operation));
}

bool io_is_done(const struct operation *operation)
{
    return operation->in_flight == 0 && !has_next(operation, false);
}

bool io_is_change(const struct operation *operation)
{
    return operation->op != SBE(ioOp_READ) && operation->op != SBE(ioOp_FLUSH);
}

void io_begin(struct operation *operation)
{
    operation->submitted = 0;
    operation->end = operation->length;
    operation->failure = 0;
    operation->in_flight = 0;
    operation->again_count = 0;
}

/* The next piece, of so many bytes at most, which is about to be submitted. */
static struct span take_next(struct operation *operation, uint64_t limit)
{
    struct span *first = operation->again;
    struct span next;
    if (operation->again_count > 0) {
        next = (struct span) {first->offset, first->length < limit ? first->length : limit};
        first->offset += next.length;
        first->length -= next.length;
        if (first->length == 0) {
            operation->again_count--;
            memmove(first, first + 1, operation->again_count * sizeof *first);
        }
    } else {
        uint64_t left = is_transfer(operation) ? operation->length - operation->submitted : 1;
        next = (struct span) {operation->submitted, left < limit ? left : limit};
        operation->submitted += next.length;
    }
    operation->in_flight++;
    return next;
}

/* The program's memory ends there, for one that is written or read. */
static void end_by_fault(struct operation *operation, uint64_t reached)
{
    if (reached < operation->end) {
        operation->end = reached;
        operation->failure = -EFAULT;
    }
}

static void submit_next(struct operation *operation, struct channel *channel, int piece)
{
    struct io_request request = {operation->op, operation->handle, operation->position,
                                 (int64_t) operation->length, operation->begin};
    struct span next = take_next(operation, channel->piece_length);
    if (!is_transfer(operation)) {
        channel_submit(channel, piece, 0, 1, &request);
        return;
    }
    if (operation->op == SBE(ioOp_WRITE)) {
        size_t copied = user_copy(channel_piece_data(channel, piece),
                                  operation->write_from + next.offset, next.length);
        if (copied < next.length) {
            end_by_fault(operation, next.offset + copied);
            next.length = copied;
        }
        if (copied == 0) {
            operation->in_flight--;
            return;
        }
    }
    request.position += (int64_t) next.offset;
    request.length = (int64_t) next.length;
    channel_submit(channel, piece, next.offset, (uint32_t) next.length, &request);
}

static void on_result(struct operation *operation, struct span span, int64_t result)
{
    operation->in_flight--;
    if (!is_transfer(operation)) {
        operation->failure = result < 0 ? result : 0;
        return;
    }
    uint64_t reached = span.offset + (result > 0 ? (uint64_t) result : 0);
    if (result < (int64_t) span.length && reached < operation->end) {
        operation->end = reached;
        operation->failure = result < 0 ? result : 0;
    }
}

static void on_completed(struct operation *operation, struct channel *channel, int index,
                         int64_t result)
{
    const struct piece *piece = &channel->piece[index];
    if (operation->op == SBE(ioOp_READ) && result > 0) {
        size_t copied = user_copy(operation->read_into + piece->offset,
                                  channel_piece_data(channel, index), (size_t) result);
        if (copied < (size_t) result) {
            end_by_fault(operation, piece->offset + copied);
        }
    }
    on_result(operation, (struct span) {piece->offset, piece->length}, result);
}

void io_fail_again(struct operation *operation, int error)
{
    while (operation->again_count > 0) {
        on_result(operation, take_next(operation, UINT64_MAX), -error);
    }
}

#define MAX_AGAIN (sizeof(((struct operation *) 0)->again) / sizeof(struct span))

/* All of them in one, with what is between them: that was answered, and may be done again since the
 * whole operation was not. */
static void join_again(struct operation *operation)
{
    uint64_t begin = UINT64_MAX;
    uint64_t end = 0;
    for (uint32_t i = 0; i < operation->again_count; i++) {
        const struct span *span = &operation->again[i];
        begin = span->offset < begin ? span->offset : begin;
        end = span->offset + span->length > end ? span->offset + span->length : end;
    }
    operation->again[0] = (struct span) {begin, end - begin};
    operation->again_count = 1;
}

/* The broker is gone: what is in flight, first what was submitted first, has no answer. One that was
 * submitted again in part comes before its rest. */
static void lose(struct operation *operation, struct channel *channel)
{
    int index;
    for (uint32_t at = 0; (index = channel_lose_first(channel)) >= 0; at++) {
        const struct piece *piece = &channel->piece[index];
        if (operation->again_count == MAX_AGAIN) {
            join_again(operation);
            at = 1;
        }
        struct span *place = &operation->again[at];
        memmove(place + 1, place, (operation->again_count - at) * sizeof *place);
        *place = (struct span) {piece->offset, piece->length};
        operation->again_count++;
        operation->in_flight--;
    }
}

/* The broker may be wrong, but not write past the caller's buffer. */
static bool is_possible(const struct operation *operation, const struct channel *channel,
                        int index, int64_t result)
{
    return result >= -MAX_ERRNO
           && (!is_transfer(operation) || result <= (int64_t) channel->piece[index].length);
}

/* -EPROTO where one is not well formed. */
static int take_responses(struct session *session, struct channel *channel,
                          struct operation *operation)
{
    while (channel_has_response(channel)) {
        int64_t result;
        int index = channel_take_response(channel, &result);
        if (index < 0 || !is_possible(operation, channel, index, result)) {
            atomic_store(&session->dead, true);
            return error_set(EPROTO, "the broker's response is not well formed");
        }
        on_completed(operation, channel, index, result);
    }
    return 0;
}

int io_run(struct session *session, struct channel *channel, struct operation *operation,
           bool only_again)
{
    channel_split(channel, operation->length, operation->op == SBE(ioOp_WRITE));
    channel->has_changes = io_is_change(operation);
    while (operation->in_flight > 0 || has_next(operation, only_again)) {
        int piece;
        bool submitted = false;
        while (has_next(operation, only_again) && (piece = channel_free_piece(channel)) >= 0) {
            submit_next(operation, channel, piece);
            submitted = true;
        }
        if (operation->in_flight == 0) {
            continue; /* there was nothing that could be copied */
        }
        if (submitted) {
            session_ring_doorbell(session);
        }
        if (!channel_await_response(channel, session)) {
            lose(operation, channel);
            return -ENOTCONN;
        }
        int error = take_responses(session, channel, operation);
        if (error < 0) {
            return error;
        }
    }
    return 0;
}

static const char *name_of(const struct operation *operation)
{
    switch ((enum SBE(ioOp)) operation->op) {
    case SBE(ioOp_READ):
        return "read";
    case SBE(ioOp_WRITE):
        return "write";
    case SBE(ioOp_DISCARD):
        return "discard";
    case SBE(ioOp_WRITE_ZEROES):
        return "write zeroes";
    default:
        return "flush";
    }
}

static int64_t failed(const struct operation *operation, const char *path)
{
    int error = (int) -operation->failure;
    if (operation->op == SBE(ioOp_FLUSH)) {
        return error_set(error, "flush of %s", path);
    }
    if (operation->op == SBE(ioOp_TRUNCATE) || operation->op == SBE(ioOp_EXTEND)) {
        return error_set(error, "truncation of %s to %" PRId64 " bytes", path,
                         operation->position - operation->begin);
    }
    return error_set(error, "%s of %" PRIu64 " bytes at %" PRId64 " of %s",
                     name_of(operation), operation->length, operation->position, path);
}

int64_t io_result(const struct operation *operation, const char *path)
{
    if (operation->failure < 0 && (!is_transfer(operation) || operation->end == 0)) {
        return failed(operation, path);
    }
    return is_transfer(operation) ? (int64_t) operation->end : 0;
}
