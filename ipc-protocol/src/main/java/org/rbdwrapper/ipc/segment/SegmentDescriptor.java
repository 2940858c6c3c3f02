package org.rbdwrapper.ipc.segment;

/**
 * The bytes that a session's client and the broker share. Every number is little endian; the C twin
 * is rbdw_segment.h, and a test holds the two against each other.
 *
 * <pre>
 *   segment
 *   0                                                     HEADER_LENGTH (4096)
 *   +-----------------------------------------------------+-------------+-------------+---
 *   | header                                              | channel 0   | channel 1   | …
 *   +-----------------------------------------------------+-------------+-------------+---
 *
 *   header: written by the broker before the client sees it, then never read by the broker again
 *   0        8         12          16              24           32         36      40            44
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
 *   channel (at HEADER_LENGTH + i * channelStride)
 *   0                   128        256              … to the next page
 *   +-------------------+-----------+--------------+---------------+---------------------+
 *   | clientWaiting u32 | crowd u32 | request ring | response ring | arena               |
 *   | (futex)           | (hint)    |              |               | arenaLength bytes   |
 *   +-------------------+-----------+--------------+---------------+---------------------+
 *   crowd: 1 where so many clients are at work that none should look for its answers for long
 *
 *   a ring: Agrona's ring buffer, bytes of org.agrona.concurrent.ringbuffer
 *   0                                        capacity = 2 * depth * record      + 768
 *   +----------+----------+-----…----------+--------------------------------------+
 *   | record 0 | record 1 |                | trailer                              |
 *   +----------+----------+-----…----------+--------------------------------------+
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
 *   tail, head: positions, in bytes; the last two are not used
 * </pre>
 *
 * <p>A client's end of both rings is {@code OneToOneRingBuffer}, or the same bytes in C. The
 * broker's end trusts nothing that a client can write: it has its positions in memory of its own,
 * and what stands in a trailer it writes and never reads. A ring's records are of one size, of
 * which the capacity is a multiple: so position p lies at index {@code p & (capacity - 1)}, none is
 * ever split or padded, and no length that another process wrote enters a calculation.
 *
 * <p>Neither ring can be full: a client has at most {@code depth} requests of a channel whose
 * response it has not read. The capacity is twice that, as a claim needs room for the next record's
 * header, too.
 *
 * <p>Whoever looks for the next record must find no length of the lap before. In the request ring
 * the client clears the next header before it publishes a record, as Agrona's class does. In the
 * response ring it is the broker, half a lap ahead ({@link ResponseRingWriter#clearAhead}), and not
 * the reader as with {@code ManyToOneRingBuffer}: so a client only reads what the broker writes.
 * Between two threads that spin, neither way was measurably faster.
 */
public final class SegmentDescriptor {
    /** "RBDWSEG1" as bytes. */
    public static final long MAGIC = 0x3147455357444252L;

    /** Of this layout; another number is another layout. */
    public static final int LAYOUT_VERSION = 1;

    public static final int HEADER_LENGTH = 4096;
    public static final int MAGIC_OFFSET = 0;
    public static final int LAYOUT_OFFSET = 8;
    public static final int CHANNELS_OFFSET = 12;
    public static final int SEGMENT_LENGTH_OFFSET = 16;
    public static final int GENERATION_OFFSET = 24;
    public static final int DEPTH_OFFSET = 32;
    public static final int ARENA_LENGTH_OFFSET = 40;
    public static final int CHANNEL_STRIDE_OFFSET = 48;
    public static final int BROKER_PARKED_OFFSET = 128;

    public static final int CLIENT_WAITING_OFFSET = 0;
    public static final int CROWD_OFFSET = 128;
    public static final int REQUEST_RING_OFFSET = 256;

    public static final int LENGTH_OFFSET = 0;
    public static final int TYPE_OFFSET = 4;
    public static final int MESSAGE_OFFSET = 8;
    public static final int BODY_OFFSET = 16;
    public static final int REQUEST_LENGTH = 64;
    public static final int RESPONSE_LENGTH = 32;

    /** From the end of a ring's records. */
    public static final int TAIL_OFFSET = 128;

    public static final int HEAD_CACHE_OFFSET = 256;
    public static final int HEAD_OFFSET = 384;
    public static final int CORRELATION_OFFSET = 512;
    public static final int HEARTBEAT_OFFSET = 640;
    public static final int TRAILER_LENGTH = 768;

    /** What is allocated, and where arenas begin, in bytes. */
    public static final int PAGE = 4096;

    public static final int MAX_CHANNELS = 64;

    /** Agrona takes no message longer than an eighth of a ring. */
    public static final int MIN_DEPTH = 4;

    public static final int MAX_DEPTH = 1024;
    public static final int MIN_ARENA_LENGTH = 64 * 1024;
    public static final int MAX_ARENA_LENGTH = 32 * 1024 * 1024;

    /** The tag: the low bits of a correlation id. */
    public static final int TAG_MASK = 0xffff;

    private SegmentDescriptor() {}
}
