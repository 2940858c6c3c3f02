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
 *   44            48               56
 *   +-------------+----------------+
 *   | maxTransfer | channelStride  |
 *   | u32         | u64            |
 *   +-------------+----------------+
 *
 *   128
 *   +--------------+
 *   | brokerParked |  not 0: the messenger sleeps, and this is the number of that sleep; a client
 *   | u32          |  that published rings, then sets it to 0 if the number is still the same
 *   +--------------+
 *
 *   channel (at HEADER_LENGTH + i * channelStride)
 *   0                   128        256                   256 + 64 * depth         … to the next page
 *   +-------------------+-----------+---------------------+------------------------+-----------------------+
 *   | clientWaiting u32 | crowd u32 | request ring        | response ring          | arena                 |
 *   | (futex)           | (hint)    | depth entries of 64 | depth entries of 32    | arenaLength bytes     |
 *   +-------------------+-----------+---------------------+------------------------+-----------------------+
 *   crowd: 1 where so many clients are at work that none should look for its answers for long
 *
 *   an entry of the request ring              an entry of the response ring
 *   0          8            16        64      0          8            16         32
 *   +----------+------------+---------+       +----------+------------+----------+
 *   | sequence | SBE header | IoRe-   |       | sequence | SBE header | IoRe-    |
 *   | u64      |            | quest   |       | u64      |            | sponse   |
 *   +----------+------------+---------+       +----------+------------+----------+
 * </pre>
 *
 * <p>A ring's entries are of one size and numbered by position: 0, 1, 2 and so on for ever.
 * Position p lies at index {@code p & (depth - 1)}; each side counts positions in memory of its
 * own. Who writes stores the entry's body first and its sequence, p + 1, last (release); who reads
 * position p finds p + 1 there (acquire), or, as long as nothing has come, what the lap before
 * left: p + 1 - depth, on the first lap 0. Nothing else may stand there.
 *
 * <p>Neither ring can be full: a client has at most {@code depth} requests of a channel whose
 * response it has not read.
 *
 * <p>Why not Agrona's ring buffers: their length, tail and head stand in shared memory, where a
 * hostile client changes them at will, and their many-to-one ring reads them back. Here there is
 * nothing to lie about but the sequence of the next entry, and a write costs no compare-and-swap on
 * a line that both sides fight for.
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
    public static final int MAX_TRANSFER_OFFSET = 44;
    public static final int CHANNEL_STRIDE_OFFSET = 48;
    public static final int BROKER_PARKED_OFFSET = 128;

    public static final int CLIENT_WAITING_OFFSET = 0;
    public static final int CROWD_OFFSET = 128;
    public static final int REQUEST_RING_OFFSET = 256;

    public static final int SEQUENCE_OFFSET = 0;
    public static final int MESSAGE_OFFSET = 8;
    public static final int BODY_OFFSET = 16;
    public static final int REQUEST_LENGTH = 64;
    public static final int RESPONSE_LENGTH = 32;

    /** What is allocated, and where arenas begin, in bytes. */
    public static final int PAGE = 4096;

    public static final int MAX_CHANNELS = 64;
    public static final int MIN_DEPTH = 2;
    public static final int MAX_DEPTH = 1024;
    public static final int MIN_ARENA_LENGTH = 64 * 1024;
    public static final int MAX_ARENA_LENGTH = 32 * 1024 * 1024;

    /** The tag: the low bits of a correlation id. */
    public static final int TAG_MASK = 0xffff;

    private SegmentDescriptor() {}
}
