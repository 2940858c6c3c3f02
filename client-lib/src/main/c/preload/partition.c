#include "partition.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define SUFFIX "-part"

/* A boot record (MBR, and each extended one of its chain), in sectors of 512 bytes:
 *
 *   0            446                                    510
 *   +------------+---------+---------+---------+---------+-----------+
 *   | boot code  | entry 1 | entry 2 | entry 3 | entry 4 | 0x55 0xaa |
 *   +------------+---------+---------+---------+---------+-----------+
 *   entry: 16 bytes, type at 4, first sector at 8 (u32), sectors at 12 (u32), little endian
 */
#define MBR_SECTOR 512
#define MBR_ENTRIES 446
#define MBR_ENTRY 16
#define MBR_SIGNATURE 510
#define TYPE_GPT 0xee
#define FIRST_LOGICAL 5

/* The header of a GPT, at its second sector and at its last:
 *
 *    0 "EFI PART"   12 header's length (u32)   16 its CRC-32   24 where it stands (u64, sectors)
 *   72 where the entries begin (u64, sectors)  80 their count (u32)  84 the length of one (u32)
 *   88 the CRC-32 of them all
 *   entry: type (16 bytes; 0: none), id (16), first sector (u64), last sector (u64), ...
 */
#define GPT_SIGNATURE "EFI PART"
#define GPT_MIN_HEADER 92
#define GPT_MIN_ENTRY 128
#define GPT_MAX_ENTRY 4096
#define GPT_MAX_ENTRIES 16384

struct reader {
    partition_read_at read_at;
    void *context;
    int64_t size;
};

static uint32_t u32(const unsigned char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return le32toh(value);
}

static uint64_t u64(const unsigned char *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

/* 0; -ENXIO where it does not lie within the image. */
static int read_exactly(const struct reader *reader, void *buffer, size_t length, uint64_t offset)
{
    if (length > (uint64_t) reader->size || offset > (uint64_t) reader->size - length) {
        return -ENXIO;
    }
    ssize_t done = reader->read_at(reader->context, buffer, length, (off_t) offset);
    return done < 0 ? (int) done : (size_t) done < length ? -ENXIO : 0;
}

/* A range in sectors, if it lies within the image. */
static int put(const struct reader *reader, uint64_t first, uint64_t count, uint64_t sector,
               struct partition *found)
{
    uint64_t sectors = (uint64_t) reader->size / sector;
    if (count == 0 || first == 0 || first >= sectors || count > sectors - first) {
        return -ENXIO;
    }
    found->base = (int64_t) (first * sector);
    found->length = (int64_t) (count * sector);
    return 0;
}

static bool is_extended(unsigned type)
{
    return type == 0x05 || type == 0x0f || type == 0x85;
}

static int read_record(const struct reader *reader, uint64_t sector, unsigned char *record)
{
    int error = read_exactly(reader, record, MBR_SECTOR, sector * MBR_SECTOR);
    if (error == 0 && (record[MBR_SIGNATURE] != 0x55 || record[MBR_SIGNATURE + 1] != 0xaa)) {
        return -ENXIO;
    }
    return error;
}

static const unsigned char *entry_of(const unsigned char *record, unsigned index)
{
    return record + MBR_ENTRIES + index * MBR_ENTRY;
}

static uint64_t first_of(const unsigned char *entry)
{
    return u32(entry + 8);
}

static uint64_t count_of(const unsigned char *entry)
{
    return u32(entry + 12);
}

/* Each record of the chain has one logical partition, placed relative to the record, and a link to
 * the next record, placed relative to the extended partition. A loop ends by the count. */
static int find_logical(const struct reader *reader, uint64_t extended, unsigned number,
                        struct partition *found)
{
    unsigned char record[MBR_SECTOR];
    uint64_t at = extended;
    unsigned next = FIRST_LOGICAL;
    for (unsigned looked = 0; looked < PARTITION_MAX_NUMBER; looked++) {
        int error = read_record(reader, at, record);
        if (error < 0) {
            return error;
        }
        uint64_t link = 0;
        for (unsigned i = 0; i < 4; i++) {
            const unsigned char *entry = entry_of(record, i);
            if (count_of(entry) == 0) {
                continue;
            }
            if (is_extended(entry[4])) {
                link = link == 0 ? first_of(entry) : link;
            } else if (next++ == number) {
                return put(reader, at + first_of(entry), count_of(entry), MBR_SECTOR, found);
            }
        }
        if (link == 0) {
            return -ENXIO;
        }
        at = extended + link;
    }
    return -ENXIO;
}

static int find_in_mbr(const struct reader *reader, const unsigned char *record, unsigned number,
                       struct partition *found)
{
    if (number < FIRST_LOGICAL) {
        const unsigned char *entry = entry_of(record, number - 1);
        if (entry[4] == 0 || is_extended(entry[4])) {
            return -ENXIO;
        }
        return put(reader, first_of(entry), count_of(entry), MBR_SECTOR, found);
    }
    for (unsigned i = 0; i < 4; i++) {
        if (is_extended(entry_of(record, i)[4])) {
            return find_logical(reader, first_of(entry_of(record, i)), number, found);
        }
    }
    return -ENXIO;
}

static uint32_t crc32_add(uint32_t crc, const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (UINT32_C(0xedb88320) & -(crc & 1));
        }
    }
    return crc;
}

/* The header that stands at a sector, if it is one. */
static int read_header(const struct reader *reader, uint64_t at, uint64_t sector,
                       unsigned char *header)
{
    int error = read_exactly(reader, header, MBR_SECTOR, at * sector);
    if (error < 0) {
        return error;
    }
    uint32_t length = u32(header + 12);
    uint32_t crc = u32(header + 16);
    if (memcmp(header, GPT_SIGNATURE, 8) != 0 || length < GPT_MIN_HEADER || length > MBR_SECTOR
        || u64(header + 24) != at) {
        return -ENXIO;
    }
    memset(header + 16, 0, 4);
    return ~crc32_add(~UINT32_C(0), header, length) == crc ? 0 : -ENXIO;
}

/* Reads all entries, for their checksum, and finds the one. */
static int find_entry(const struct reader *reader, const unsigned char *header, uint64_t sector,
                      unsigned number, struct partition *found)
{
    uint64_t first = u64(header + 72);
    uint32_t count = u32(header + 80);
    uint32_t length = u32(header + 84);
    unsigned char entry[GPT_MAX_ENTRY];
    uint32_t crc = ~UINT32_C(0);
    int result = -ENXIO;
    if (length < GPT_MIN_ENTRY || length > GPT_MAX_ENTRY || (length & (length - 1)) != 0
        || count > GPT_MAX_ENTRIES || first > (uint64_t) reader->size / sector) {
        return -ENXIO;
    }
    for (uint32_t i = 0; i < count; i++) {
        static const unsigned char none[16];
        int error = read_exactly(reader, entry, length, first * sector + (uint64_t) i * length);
        if (error < 0) {
            return error;
        }
        crc = crc32_add(crc, entry, length);
        uint64_t begin = u64(entry + 32);
        uint64_t last = u64(entry + 40);
        if (i + 1 == number && memcmp(entry, none, sizeof none) != 0 && last >= begin
            && last < UINT64_MAX) {
            result = put(reader, begin, last - begin + 1, sector, found);
        }
    }
    return ~crc == u32(header + 88) ? result : -ENXIO;
}

static int find_in_gpt_at(const struct reader *reader, uint64_t at, uint64_t sector,
                          unsigned number, struct partition *found, bool *is_whole)
{
    unsigned char header[MBR_SECTOR];
    int error = read_header(reader, at, sector, header);
    *is_whole = error == 0;
    return error < 0 ? error : find_entry(reader, header, sector, number, found);
}

/* By the first header, or by its copy at the end where that one is damaged. */
static int find_in_gpt(const struct reader *reader, unsigned number, struct partition *found)
{
    static const uint64_t sectors[] = {512, 4096};
    int result = -ENXIO;
    for (size_t i = 0; i < 2; i++) {
        bool is_whole;
        uint64_t last = (uint64_t) reader->size / sectors[i];
        result = find_in_gpt_at(reader, 1, sectors[i], number, found, &is_whole);
        if (result == -ENXIO && !is_whole && last > 1) {
            result = find_in_gpt_at(reader, last - 1, sectors[i], number, found, &is_whole);
        }
        if (result != -ENXIO || is_whole) {
            return result;
        }
    }
    return result;
}

int partition_find(partition_read_at read_at, void *context, int64_t size, unsigned number,
                   struct partition *found)
{
    struct reader reader = {read_at, context, size};
    unsigned char record[MBR_SECTOR];
    if (number == 0 || number > PARTITION_MAX_NUMBER) {
        return -ENXIO;
    }
    int error = read_record(&reader, 0, record);
    if (error < 0) {
        return error;
    }
    for (unsigned i = 0; i < 4; i++) {
        if (entry_of(record, i)[4] == TYPE_GPT) {
            return find_in_gpt(&reader, number, found);
        }
    }
    return find_in_mbr(&reader, record, number, found);
}

bool partition_split(const char *path, char *image, unsigned *number)
{
    const char *suffix = NULL;
    for (const char *at = strstr(path, SUFFIX); at != NULL; at = strstr(at + 1, SUFFIX)) {
        suffix = at;
    }
    const char *digit = suffix == NULL ? "" : suffix + strlen(SUFFIX);
    unsigned value = 0;
    if (*digit < '1' || *digit > '9' || suffix == path || suffix[-1] == '/') {
        return false;
    }
    for (; *digit >= '0' && *digit <= '9'; digit++) {
        value = value * 10 + (unsigned) (*digit - '0');
        if (value > PARTITION_MAX_NUMBER) {
            return false;
        }
    }
    if (*digit != '\0') {
        return false;
    }
    memcpy(image, path, (size_t) (suffix - path));
    image[suffix - path] = '\0';
    *number = value;
    return true;
}
