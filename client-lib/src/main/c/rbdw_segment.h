/* The bytes that a session's client and the broker share. Every number is little endian. The Java
 * twin is SegmentDescriptor.java, which says more of why; a test holds the two against each other.
 *
 *   segment
 *   0                                                     4096
 *   +-----------------------------------------------------+-------------+-------------+---
 *   | header                                              | channel 0   | channel 1   | ...
 *   +-----------------------------------------------------+-------------+-------------+---
 *
 *   header: written by the broker before the client sees it
 *   0        8         12          16              24           32         36      40
 *   +--------+---------+-----------+---------------+------------+----------+-------+-------------+
 *   | magic  | layout  | channels  | segmentLength | generation | depth    | (pad) | arenaLength |
 *   | u64    | u32     | u32       | u64           | u64        | u32      | u32   | u32         |
 *   +--------+---------+-----------+---------------+------------+----------+-------+-------------+
 *   44      48               56
 *   +-------+----------------+
 *   | (pad) | channelStride  |
 *   | u32   | u64            |
 *   +-------+----------------+
 *
 *   128
 *   +--------------+
 *   | brokerParked |  not 0: the messenger sleeps, and this is the number of that sleep; a client
 *   | u32          |  that published rings, then sets it to 0 if the number is still the same
 *   +--------------+
 *
 *   channel (at 4096 + i * channelStride)
 *   0                   128         256                              ... to the next page
 *   +-------------------+-----------+--------------+---------------+-----------------+
 *   | clientWaiting u32 | crowd u32 | request ring | response ring | arena           |
 *   | (futex)           | (hint)    |              |               | arenaLength     |
 *   +-------------------+-----------+--------------+---------------+-----------------+
 *
 *   a ring: Agrona's ring buffer, bytes of org.agrona.concurrent.ringbuffer
 *   0                                         capacity = 2 * depth * record      + 768
 *   +----------+----------+-----...----------+--------------------------------------+
 *   | record 0 | record 1 |                  | trailer                              |
 *   +----------+----------+-----...----------+--------------------------------------+
 *
 *   a record of the request ring, 64 bytes    a record of the response ring, 32 bytes
 *   0        4          8        16      64   0        4          8        16      32
 *   +--------+----------+--------+-------+    +--------+----------+--------+-------+
 *   | length | type     | SBE    | IoRe- |    | length | type     | SBE    | IoRe- |
 *   | i32    | i32: 50  | header | quest |    | i32    | i32: 51  | header | sponse|
 *   +--------+----------+--------+-------+    +--------+----------+--------+-------+
 *   length: 0 or below, nothing has come; 64 or 32, the record has; type: the message's template id
 *
 *   trailer
 *   128        256              384        512               640                  768
 *   +----------+----------------+----------+-----------------+--------------------+
 *   | tail i64 | head cache i64 | head i64 | correlation i64 | heartbeat i64      |
 *   +----------+----------------+----------+-----------------+--------------------+
 *   tail, head: positions, in bytes; what stands in a trailer is for tools, and never read here
 *
 * The record number n = 0, 1, 2 ... of a ring lies at index n & (2 * depth - 1). Each side counts records in memory of
 * its own. Who writes stores the record first and its length last. Who looks for the next record must find no length of
 * the lap before: the client clears those of requests, the broker those of responses, half a lap ahead. */

#ifndef RBDW_SEGMENT_H
#define RBDW_SEGMENT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define SEGMENT_MAGIC UINT64_C(0x3147455357444252) /* "RBDWSEG1" as bytes */
#define SEGMENT_LAYOUT_VERSION 1
#define SEGMENT_PAGE 4096
#define SEGMENT_MAX_CHANNELS 64
#define SEGMENT_MIN_DEPTH 4 /* Agrona takes no message longer than an eighth of a ring */
#define SEGMENT_MAX_DEPTH 1024
#define SEGMENT_MIN_ARENA_LENGTH (64 * 1024)
#define SEGMENT_MAX_ARENA_LENGTH (32 * 1024 * 1024)
#define SEGMENT_TAG_MASK 0xffff /* the low bits of a correlation id */

struct segment_header {
    uint64_t magic;
    uint32_t layout;
    uint32_t channels;
    uint64_t segment_length;
    uint64_t generation;
    uint32_t depth;
    uint32_t padding;
    uint32_t arena_length;
    uint32_t padding_to_stride;
    uint64_t channel_stride;
    char reserved[72];
    _Atomic uint32_t broker_parked;
    char reserved_to_page[SEGMENT_PAGE - 132];
};

struct request_record {
    _Atomic int32_t length;
    int32_t type;
    char message[8]; /* SBE header */
    char body[48];   /* IoRequest */
};

struct response_record {
    _Atomic int32_t length;
    int32_t type;
    char message[8]; /* SBE header */
    char body[16];   /* IoResponse */
};

struct ring_trailer {
    char reserved[128];
    _Atomic int64_t tail;
    char reserved_to_head_cache[120];
    _Atomic int64_t head_cache;
    char reserved_to_head[120];
    _Atomic int64_t head;
    char reserved_to_correlation[120];
    _Atomic int64_t correlation;
    char reserved_to_heartbeat[120];
    _Atomic int64_t heartbeat;
    char reserved_to_end[120];
};

struct channel_control {
    _Atomic uint32_t client_waiting;
    char reserved[124];
    _Atomic uint32_t crowd; /* 1: so many clients are at work that none should look for long */
    char reserved_to_ring[124];
    struct request_record requests[]; /* twice the depth of them; the ring's trailer and the response ring follow */
};

_Static_assert(offsetof(struct segment_header, magic) == 0, "layout");
_Static_assert(offsetof(struct segment_header, layout) == 8, "layout");
_Static_assert(offsetof(struct segment_header, channels) == 12, "layout");
_Static_assert(offsetof(struct segment_header, segment_length) == 16, "layout");
_Static_assert(offsetof(struct segment_header, generation) == 24, "layout");
_Static_assert(offsetof(struct segment_header, depth) == 32, "layout");
_Static_assert(offsetof(struct segment_header, arena_length) == 40, "layout");
_Static_assert(offsetof(struct segment_header, channel_stride) == 48, "layout");
_Static_assert(offsetof(struct segment_header, broker_parked) == 128, "layout");
_Static_assert(sizeof(struct segment_header) == SEGMENT_PAGE, "layout");
_Static_assert(sizeof(struct request_record) == 64, "layout");
_Static_assert(offsetof(struct request_record, length) == 0, "layout");
_Static_assert(offsetof(struct request_record, type) == 4, "layout");
_Static_assert(offsetof(struct request_record, message) == 8, "layout");
_Static_assert(offsetof(struct request_record, body) == 16, "layout");
_Static_assert(sizeof(struct response_record) == 32, "layout");
_Static_assert(offsetof(struct response_record, length) == 0, "layout");
_Static_assert(offsetof(struct response_record, type) == 4, "layout");
_Static_assert(offsetof(struct response_record, message) == 8, "layout");
_Static_assert(offsetof(struct response_record, body) == 16, "layout");
_Static_assert(offsetof(struct ring_trailer, tail) == 128, "layout");
_Static_assert(offsetof(struct ring_trailer, head_cache) == 256, "layout");
_Static_assert(offsetof(struct ring_trailer, head) == 384, "layout");
_Static_assert(offsetof(struct ring_trailer, correlation) == 512, "layout");
_Static_assert(offsetof(struct ring_trailer, heartbeat) == 640, "layout");
_Static_assert(sizeof(struct ring_trailer) == 768, "layout");
_Static_assert(offsetof(struct channel_control, client_waiting) == 0, "layout");
_Static_assert(offsetof(struct channel_control, crowd) == 128, "layout");
_Static_assert(offsetof(struct channel_control, requests) == 256, "layout");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2, "atomics without a lock");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the segment is little endian");

/* What a header says, once it was checked. */
struct segment_geometry {
    uint32_t channels;
    uint32_t depth;
    uint32_t arena_length;
};

/* Records of each ring. */
static inline uint32_t segment_ring_records(const struct segment_geometry *geometry)
{
    return 2 * geometry->depth;
}

/* Bytes, with the trailer. */
static inline uint64_t segment_request_ring_length(const struct segment_geometry *geometry)
{
    return segment_ring_records(geometry) * sizeof(struct request_record) + sizeof(struct ring_trailer);
}

static inline uint64_t segment_response_ring_offset(const struct segment_geometry *geometry)
{
    return offsetof(struct channel_control, requests) + segment_request_ring_length(geometry);
}

/* Bytes, with the trailer. */
static inline uint64_t segment_response_ring_length(const struct segment_geometry *geometry)
{
    return segment_ring_records(geometry) * sizeof(struct response_record) + sizeof(struct ring_trailer);
}

static inline uint64_t segment_arena_offset(const struct segment_geometry *geometry)
{
    uint64_t end = segment_response_ring_offset(geometry) + segment_response_ring_length(geometry);
    return (end + SEGMENT_PAGE - 1) / SEGMENT_PAGE * SEGMENT_PAGE;
}

static inline uint64_t segment_channel_stride(const struct segment_geometry *geometry)
{
    return segment_arena_offset(geometry) + geometry->arena_length;
}

static inline uint64_t segment_channel_offset(const struct segment_geometry *geometry, uint32_t i)
{
    return sizeof(struct segment_header) + i * segment_channel_stride(geometry);
}

static inline uint64_t segment_length(const struct segment_geometry *geometry)
{
    return segment_channel_offset(geometry, geometry->channels);
}

#endif
