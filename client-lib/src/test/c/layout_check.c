/* Shows what C makes of the segment's layout, for a test that holds it against Java's. Built from
 * the library's sources, not against the library, because it looks inside.
 *
 *     layout_check                     prints every number of the layout as name=value
 *     layout_check request CORRELATION HANDLE OP POSITION LENGTH PIECE
 *                                      writes the record of a request ring to stdout
 *     layout_check ring COUNT          makes so many requests, one after the other, and writes the whole ring
 *     layout_check response            reads a response ring from stdin, prints the result of its first record, for the
 *                                      request with the correlation id 0 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "rbdw_protocol.h"
#include "rbdw_segment.h"

static const struct segment_geometry geometry = {3, 64, 1024 * 1024};

static void show(const char *name, uint64_t value)
{
    printf("%s=%" PRIu64 "\n", name, value);
}

static void show_layout(void)
{
    show("PROTOCOL_MAJOR", PROTOCOL_MAJOR);
    show("PROTOCOL_MINOR", PROTOCOL_MINOR);
    show("MAGIC", SEGMENT_MAGIC);
    show("LAYOUT_VERSION", SEGMENT_LAYOUT_VERSION);
    show("HEADER_LENGTH", sizeof(struct segment_header));
    show("MAGIC_OFFSET", offsetof(struct segment_header, magic));
    show("LAYOUT_OFFSET", offsetof(struct segment_header, layout));
    show("CHANNELS_OFFSET", offsetof(struct segment_header, channels));
    show("SEGMENT_LENGTH_OFFSET", offsetof(struct segment_header, segment_length));
    show("GENERATION_OFFSET", offsetof(struct segment_header, generation));
    show("DEPTH_OFFSET", offsetof(struct segment_header, depth));
    show("ARENA_LENGTH_OFFSET", offsetof(struct segment_header, arena_length));
    show("CHANNEL_STRIDE_OFFSET", offsetof(struct segment_header, channel_stride));
    show("BROKER_PARKED_OFFSET", offsetof(struct segment_header, broker_parked));
    show("CLIENT_WAITING_OFFSET", offsetof(struct channel_control, client_waiting));
    show("CROWD_OFFSET", offsetof(struct channel_control, crowd));
    show("REQUEST_RING_OFFSET", offsetof(struct channel_control, requests));
    show("LENGTH_OFFSET", offsetof(struct request_record, length));
    show("TYPE_OFFSET", offsetof(struct request_record, type));
    show("MESSAGE_OFFSET", offsetof(struct request_record, message));
    show("BODY_OFFSET", offsetof(struct request_record, body));
    show("REQUEST_LENGTH", sizeof(struct request_record));
    show("RESPONSE_LENGTH", sizeof(struct response_record));
    show("TAIL_OFFSET", offsetof(struct ring_trailer, tail));
    show("HEAD_CACHE_OFFSET", offsetof(struct ring_trailer, head_cache));
    show("HEAD_OFFSET", offsetof(struct ring_trailer, head));
    show("CORRELATION_OFFSET", offsetof(struct ring_trailer, correlation));
    show("HEARTBEAT_OFFSET", offsetof(struct ring_trailer, heartbeat));
    show("TRAILER_LENGTH", sizeof(struct ring_trailer));
    show("PAGE", SEGMENT_PAGE);
    show("MAX_CHANNELS", SEGMENT_MAX_CHANNELS);
    show("MIN_DEPTH", SEGMENT_MIN_DEPTH);
    show("MAX_DEPTH", SEGMENT_MAX_DEPTH);
    show("MIN_ARENA_LENGTH", SEGMENT_MIN_ARENA_LENGTH);
    show("MAX_ARENA_LENGTH", SEGMENT_MAX_ARENA_LENGTH);
    show("TAG_MASK", SEGMENT_TAG_MASK);
    show("geometry.channels", geometry.channels);
    show("geometry.depth", geometry.depth);
    show("geometry.arenaLength", geometry.arena_length);
    show("geometry.requestRingLength", segment_request_ring_length(&geometry));
    show("geometry.responseRingLength", segment_response_ring_length(&geometry));
    show("geometry.responseRingOffset", segment_response_ring_offset(&geometry));
    show("geometry.arenaOffset", segment_arena_offset(&geometry));
    show("geometry.channelStride", segment_channel_stride(&geometry));
    show("geometry.channelOffset2", segment_channel_offset(&geometry, 2));
    show("geometry.segmentLength", segment_length(&geometry));
}

static char *make_channel(struct channel *channel)
{
    char *bytes = aligned_alloc(SEGMENT_PAGE, segment_channel_stride(&geometry));
    if (bytes == NULL) {
        perror("layout_check");
        exit(1);
    }
    memset(bytes, 0, segment_channel_stride(&geometry));
    channel_init(channel, bytes, &geometry, false);
    return bytes;
}

static int write_request(char **arguments)
{
    struct channel channel;
    char *bytes = make_channel(&channel);
    int piece = atoi(arguments[5]);
    uint64_t number = strtoull(arguments[0], NULL, 0) >> 16; /* what a correlation id is made of */
    channel.requests_made = number;
    struct io_request request = {
        .handle = (uint32_t) strtoul(arguments[1], NULL, 0),
        .op = atoi(arguments[2]),
        .position = strtoll(arguments[3], NULL, 0),
        .length = strtoll(arguments[4], NULL, 0),
    };
    channel_submit(&channel, piece, 0, 0, &request);
    struct request_record *record = &channel.control->requests[number & channel.mask];
    size_t written = fwrite(record, 1, sizeof *record, stdout);
    free(bytes);
    return written == sizeof(struct request_record) ? 0 : 1;
}

static int write_ring(uint64_t count)
{
    struct channel channel;
    char *bytes = make_channel(&channel);
    for (uint64_t i = 0; i < count; i++) {
        struct io_request request = {.op = 1, .handle = 7, .position = (int64_t) i * 4096, .length = 4096};
        channel_publish(&channel, (uint32_t) (i % geometry.depth), 0, &request);
    }
    size_t length = segment_request_ring_length(&geometry);
    size_t written = fwrite(channel.control->requests, 1, length, stdout);
    free(bytes);
    return written == length ? 0 : 1;
}

static int read_response(void)
{
    struct channel channel;
    char *bytes = make_channel(&channel);
    struct io_request request = {0};
    int64_t result;
    channel_submit(&channel, 0, 0, 0, &request);
    if (fread(channel.responses, segment_response_ring_length(&geometry), 1, stdin) != 1
        || !channel_has_response(&channel)) {
        printf("no response\n");
    } else if (channel_take_response(&channel, &result) < 0) {
        printf("to nothing\n");
    } else {
        printf("%" PRId64 "\n", result);
    }
    free(bytes);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 1) {
        show_layout();
        return 0;
    }
    if (argc == 8 && strcmp(argv[1], "request") == 0) {
        return write_request(argv + 2);
    }
    if (argc == 3 && strcmp(argv[1], "ring") == 0) {
        return write_ring(strtoull(argv[2], NULL, 0));
    }
    if (argc == 2 && strcmp(argv[1], "response") == 0) {
        return read_response();
    }
    fprintf(stderr, "usage: see layout_check.c\n");
    return 2;
}
