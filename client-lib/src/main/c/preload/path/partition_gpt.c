/* The GUID partition table. */

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "partition_table.h"

/* The header of a GPT, at its second sector and at its last:
 *
 *    0 "EFI PART"   12 header's length (u32)   16 its CRC-32   24 where it stands (u64, sectors)
 *   72 where the entries begin (u64, sectors)  80 their count (u32)  84 the length of one (u32)
 *   88 the CRC-32 of them all
 *   entry: type (16 bytes; 0: none), id (16), first sector (u64), last sector (u64), ...
 */
#define GPT_SIGNATURE "EFI PART"
#define SECTOR 512 /* bytes: a header is no longer, whatever the sectors are */
#define GPT_MIN_HEADER 92
#define GPT_MIN_ENTRY 128
#define GPT_MAX_ENTRY 4096
#define GPT_MAX_TABLE (1 << 20) /* bytes; a table has 16 KiB unless somebody asked for more */
#define BLOCK 8192              /* bytes of a table that are read at once */

/* By halves of a byte: a table of 16 numbers, and no first call that fills a larger one. */
static uint32_t crc32_add(uint32_t crc, const unsigned char *bytes, size_t length)
{
    static const uint32_t of_half[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ of_half[crc & 15];
        crc = crc >> 4 ^ of_half[crc & 15];
    }
    return crc;
}

/* A header that its checksum holds together, and where its table says to be. */
struct gpt {
    uint64_t sector;    /* bytes */
    uint64_t other;     /* the copy's header, sectors */
    uint64_t offset;    /* of the entries, bytes */
    uint32_t count;     /* entries */
    uint32_t entry;     /* bytes of one */
    uint32_t crc;       /* of the entries */
};

static int read_header(const struct table_reader *reader, uint64_t at, uint64_t sector,
                       struct gpt *gpt)
{
    unsigned char header[SECTOR];
    if (at > (uint64_t) reader->size / sector) {
        return -ENXIO;
    }
    int error = table_read(reader, header, sizeof header, at * sector);
    if (error < 0) {
        return error;
    }
    uint32_t length = table_u32(header + 12);
    uint32_t crc = table_u32(header + 16);
    uint64_t first = table_u64(header + 72);
    if (memcmp(header, GPT_SIGNATURE, 8) != 0 || length < GPT_MIN_HEADER || length > SECTOR
        || table_u64(header + 24) != at || first > (uint64_t) reader->size / sector) {
        return -ENXIO;
    }
    memset(header + 16, 0, 4);
    if (~crc32_add(~UINT32_C(0), header, length) != crc) {
        return -ENXIO;
    }
    *gpt = (struct gpt) {
        .sector = sector,
        .other = table_u64(header + 32),
        .offset = first * sector,
        .count = table_u32(header + 80),
        .entry = table_u32(header + 84),
        .crc = table_u32(header + 88),
    };
    return 0;
}

/* How much of the table is read next, from offset on: whole entries, as BLOCK is a multiple. */
static size_t next_block(const struct gpt *gpt, uint64_t offset)
{
    uint64_t left = (uint64_t) gpt->count * gpt->entry - offset;
    return left < BLOCK ? (size_t) left : BLOCK;
}

static int check_entries(const struct table_reader *reader, const struct gpt *gpt)
{
    unsigned char block[BLOCK];
    uint32_t crc = ~UINT32_C(0);
    if (gpt->entry < GPT_MIN_ENTRY || gpt->entry > GPT_MAX_ENTRY
        || (gpt->entry & (gpt->entry - 1)) != 0 || gpt->count > GPT_MAX_TABLE / gpt->entry) {
        return -ENXIO;
    }
    size_t length;
    for (uint64_t at = 0; (length = next_block(gpt, at)) > 0; at += length) {
        int error = table_read(reader, block, length, gpt->offset + at);
        if (error < 0) {
            return error;
        }
        crc = crc32_add(crc, block, length);
    }
    return ~crc == gpt->crc ? 0 : -ENXIO;
}

static int visit_entry(const struct table_reader *reader, const struct gpt *gpt, unsigned number,
                       const unsigned char *entry)
{
    static const unsigned char none[16];
    uint64_t first = table_u64(entry + 32);
    uint64_t last = table_u64(entry + 40);
    if (number > PARTITION_MAX_NUMBER || memcmp(entry, none, sizeof none) == 0 || first > last
        || last >= (uint64_t) reader->size / gpt->sector) {
        return 0;
    }
    return table_visit(reader, number, first, last - first + 1, gpt->sector);
}

/* The checksum comes first, over all of them: so they are read twice. */
static int visit_entries(const struct table_reader *reader, const struct gpt *gpt)
{
    unsigned char block[BLOCK];
    int result = check_entries(reader, gpt);
    unsigned number = 1;
    size_t length;
    for (uint64_t at = 0;
         result == 0 && number <= PARTITION_MAX_NUMBER && (length = next_block(gpt, at)) > 0;
         at += length) {
        result = table_read(reader, block, length, gpt->offset + at);
        for (size_t i = 0; i < length && result == 0; i += gpt->entry) {
            result = visit_entry(reader, gpt, number++, block + i);
        }
    }
    return result;
}

/* By the first header, or by its copy where that one or its table is damaged. The copy stands at
 * the end, unless the image has grown since: then only the first header knows. */
int partition_visit_gpt(const struct table_reader *reader, uint64_t sector)
{
    struct gpt gpt;
    uint64_t copy = (uint64_t) reader->size / sector;
    copy = copy > 0 ? copy - 1 : 0;
    int result = read_header(reader, 1, sector, &gpt);
    if (result == 0) {
        copy = gpt.other;
        result = visit_entries(reader, &gpt);
    }
    if (result == -ENXIO && copy > 1) {
        result = read_header(reader, copy, sector, &gpt);
        if (result == 0) {
            result = visit_entries(reader, &gpt);
        }
    }
    return result;
}
