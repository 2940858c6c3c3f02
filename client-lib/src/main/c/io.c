#include "io.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <org_rbdwrapper_ipc_codec/ioOp.h>

#include "error.h"
#include "rbdw_protocol.h"

#define MAX_ERRNO 4095

static bool is_transfer(const struct operation *operation)
{
    return operation->op == SBE(ioOp_READ) || operation->op == SBE(ioOp_WRITE);
}

static bool has_next(const struct operation *operation)
{
    return is_transfer(operation) ? operation->submitted < operation->end
                                  : operation->submitted == 0;
}

static void submit_next(struct operation *operation, struct channel *channel, int piece)
{
    struct io_request request = {operation->op, operation->handle, operation->position,
                                 (int64_t) operation->length};
    if (!is_transfer(operation)) {
        channel_submit(channel, piece, 0, 0, &request);
        operation->submitted++;
        operation->in_flight++;
        return;
    }
    uint64_t offset = operation->submitted;
    uint64_t left = operation->length - offset;
    uint32_t length = left < channel->piece_length ? (uint32_t) left : channel->piece_length;
    if (operation->op == SBE(ioOp_WRITE)) {
        memcpy(channel_piece_data(channel, piece), operation->write_from + offset, length);
    }
    request.position += (int64_t) offset;
    request.length = length;
    channel_submit(channel, piece, offset, length, &request);
    operation->submitted += length;
    operation->in_flight++;
}

static void on_completed(struct operation *operation, struct channel *channel, int index,
                         int64_t result)
{
    const struct piece *piece = &channel->piece[index];
    operation->in_flight--;
    if (!is_transfer(operation)) {
        operation->failure = result < 0 ? result : 0;
        return;
    }
    if (operation->op == SBE(ioOp_READ) && result > 0) {
        memcpy(operation->read_into + piece->offset, channel_piece_data(channel, index),
               (size_t) result);
    }
    uint64_t reached = piece->offset + (result > 0 ? (uint64_t) result : 0);
    if (result < (int64_t) piece->length && reached < operation->end) {
        operation->end = reached;
        operation->failure = result < 0 ? result : 0;
    }
}

/* The broker may be wrong, but not write past the caller's buffer. */
static bool is_possible(const struct operation *operation, const struct channel *channel,
                        int index, int64_t result)
{
    return result >= -MAX_ERRNO
           && (!is_transfer(operation) || result <= (int64_t) channel->piece[index].length);
}

static int run(struct session *session, struct channel *channel, struct operation *operation)
{
    while (operation->in_flight > 0 || has_next(operation)) {
        int piece;
        bool submitted = false;
        while (has_next(operation) && (piece = channel_free_piece(channel)) >= 0) {
            submit_next(operation, channel, piece);
            submitted = true;
        }
        if (submitted) {
            session_ring_doorbell(session);
        }
        if (!channel_await_response(channel, session)) {
            return session_gone();
        }
        do {
            int64_t result;
            int index = channel_take_response(channel, &result);
            if (index < 0 || !is_possible(operation, channel, index, result)) {
                atomic_store(&session->dead, true);
                return error_set(EPROTO, "the broker's response is not well formed");
            }
            on_completed(operation, channel, index, result);
        } while (channel_has_response(channel));
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
    return error_set(error, "%s of %" PRIu64 " bytes at %" PRId64 " of %s",
                     name_of(operation), operation->length, operation->position, path);
}

int64_t io_perform(struct session *session, struct operation *operation, const char *path)
{
    struct channel *channel;
    operation->submitted = 0;
    operation->end = operation->length;
    operation->failure = 0;
    operation->in_flight = 0;
    int error = session_take_channel(session, &channel);
    if (error < 0) {
        return error;
    }
    channel_split(channel, operation->length, operation->op == SBE(ioOp_WRITE));
    error = run(session, channel, operation);
    session_return_channel(session, channel);
    if (error < 0) {
        return error;
    }
    if (operation->failure < 0 && (!is_transfer(operation) || operation->end == 0)) {
        return failed(operation, path);
    }
    return is_transfer(operation) ? (int64_t) operation->end : 0;
}
