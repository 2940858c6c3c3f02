/* What travels on the broker's socket: uint32 length, little endian, and one SBE message.
 *
 *   0          4            12
 *   +----------+------------+---------------------------+
 *   | length   | SBE header | block, groups, var data   |    length: bytes after it
 *   | u32      | 8 bytes    |                           |
 *   +----------+------------+---------------------------+
 *
 * One thread at a time. */

#ifndef RBDW_FRAME_H
#define RBDW_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_LENGTH_BYTES 4
#define FRAME_HEADER_BYTES 8

/* The longest is the list of all mappings, some 100 bytes each. */
#define FRAME_MAX_MESSAGE (4 * 1024 * 1024)

struct frame {
    uint32_t length; /* of the message, its header included */
    uint16_t template_id;
    uint16_t block_length;
    uint16_t version;
    char bytes[FRAME_LENGTH_BYTES + FRAME_MAX_MESSAGE];
};

/* Where a message's block begins, and the bytes there are from there on. */
static inline char *frame_body(struct frame *frame)
{
    return frame->bytes + FRAME_LENGTH_BYTES + FRAME_HEADER_BYTES;
}

static inline size_t frame_body_length(const struct frame *frame)
{
    return frame->length - FRAME_HEADER_BYTES;
}

/* Sends the message that stands in the frame, whose header is set here. body_length: of its block
 * and var data. descriptor: one that travels with it and stays the caller's, or -1. 0, or -ENOTCONN where
 * the broker is gone. */
int frame_send(int socket, struct frame *frame, uint16_t template_id, uint16_t block_length,
               size_t body_length, int descriptor);

/* Waits for the next message. descriptors: NULL, or where to put those that come along, -1 where
 * none does; they are close-on-exec and the caller's to close, also after an error. 0, or -ENOTCONN
 * where the broker is gone, -EPROTO for what is no message. */
int frame_receive(int socket, struct frame *frame, int *descriptors, int descriptor_count);

#endif
