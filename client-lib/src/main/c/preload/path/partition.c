#include "partition.h"

#include <errno.h>
#include <string.h>

#include "partition_table.h"

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

/* What the kernel gives of an extended partition, for boot loaders. */
#define EXTENDED_SECTORS 2

/* A chain of records without a partition in them ends so. */
#define MAX_EMPTY_RECORDS 100

int table_read(const struct table_reader *reader, void *buffer, size_t length, uint64_t offset)
{
    if (length > (uint64_t) reader->size || offset > (uint64_t) reader->size - length) {
        return -ENXIO;
    }
    ssize_t done = reader->read_at(reader->context, buffer, length, (off_t) offset);
    return done < 0 ? (int) done : (size_t) done < length ? -EIO : 0;
}

int table_visit(const struct table_reader *reader, unsigned number, uint64_t first, uint64_t count,
                uint64_t sector)
{
    uint64_t sectors = (uint64_t) reader->size / sector;
    if (count == 0 || first >= sectors) {
        return 0;
    }
    if (count > sectors - first) {
        count = sectors - first;
    }
    struct partition partition = {(int64_t) (first * sector), (int64_t) (count * sector)};
    return reader->visit(reader->visitor, number, &partition) ? 0 : TABLE_ENOUGH;
}

static bool is_extended(const unsigned char *entry)
{
    return entry[4] == 0x05 || entry[4] == 0x0f || entry[4] == 0x85;
}

static int read_record(const struct table_reader *reader, uint64_t sector, unsigned char *record)
{
    int error = table_read(reader, record, MBR_SECTOR, sector * MBR_SECTOR);
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
    return table_u32(entry + 8);
}

static uint64_t count_of(const unsigned char *entry)
{
    return table_u32(entry + 12);
}

/* Where a chain of logical partitions has come to, in sectors. */
struct chain {
    uint64_t extended; /* the extended partition's own begin and count */
    uint64_t extended_count;
    uint64_t at; /* this record's */
    uint64_t count;
    unsigned empty; /* records since the last partition */
};

/* The third and fourth entry of a record are not in use, and some programs leave garbage there. */
static bool lies_within(const struct chain *chain, const unsigned char *entry)
{
    uint64_t begin = chain->at + first_of(entry);
    return first_of(entry) + count_of(entry) <= chain->count && begin >= chain->extended
           && begin + count_of(entry) <= chain->extended + chain->extended_count;
}

/* *next: the number of the next logical partition. -ENXIO at the chain's end. */
static int visit_record(const struct table_reader *reader, struct chain *chain, unsigned *next)
{
    unsigned char record[MBR_SECTOR];
    const unsigned char *link = NULL;
    int result = read_record(reader, chain->at, record);
    chain->empty++;
    for (unsigned i = 0; i < 4 && result == 0; i++) {
        const unsigned char *entry = entry_of(record, i);
        if (count_of(entry) == 0) {
            continue;
        }
        if (is_extended(entry)) {
            link = link == NULL ? entry : link;
        } else if (*next <= PARTITION_MAX_NUMBER && (i < 2 || lies_within(chain, entry))) {
            chain->empty = 0;
            result = table_visit(reader, (*next)++, chain->at + first_of(entry), count_of(entry),
                           MBR_SECTOR);
        }
    }
    if (result == 0 && link == NULL) {
        return -ENXIO;
    }
    if (result == 0) {
        chain->at = chain->extended + first_of(link);
        chain->count = count_of(link);
    }
    return result;
}

/* Each record of the chain has one logical partition, placed relative to the record, and a link to
 * the next record, placed relative to the extended partition. A loop ends by the numbers. */
static int visit_logical(const struct table_reader *reader, const unsigned char *extended,
                         unsigned *next)
{
    struct chain chain = {
        .extended = first_of(extended),
        .extended_count = count_of(extended),
        .at = first_of(extended),
        .count = count_of(extended),
    };
    int result = 0;
    while (result == 0 && chain.empty <= MAX_EMPTY_RECORDS && *next <= PARTITION_MAX_NUMBER) {
        result = visit_record(reader, &chain, next);
    }
    return result == -ENXIO ? 0 : result;
}

/* A file system's boot sector ends as an MBR does, but has something else where a table's entries
 * say whether they are bootable. */
static bool is_mbr(const unsigned char *record)
{
    for (unsigned i = 0; i < 4; i++) {
        if ((entry_of(record, i)[0] & 0x7f) != 0) {
            return false;
        }
    }
    return true;
}

static int visit_mbr(const struct table_reader *reader, const unsigned char *record)
{
    unsigned next = FIRST_LOGICAL;
    int result = 0;
    for (unsigned i = 0; i < 4 && result == 0; i++) {
        const unsigned char *entry = entry_of(record, i);
        uint64_t count = count_of(entry);
        if (is_extended(entry) && count > EXTENDED_SECTORS) {
            count = EXTENDED_SECTORS;
        }
        result = table_visit(reader, i + 1, first_of(entry), count, MBR_SECTOR);
    }
    for (unsigned i = 0; i < 4 && result == 0; i++) {
        const unsigned char *entry = entry_of(record, i);
        if (is_extended(entry) && count_of(entry) != 0) {
            result = visit_logical(reader, entry, &next);
        }
    }
    return result;
}

static int visit_all(const struct table_reader *reader)
{
    unsigned char record[MBR_SECTOR];
    int result = read_record(reader, 0, record);
    if (result < 0) {
        return result;
    }
    for (unsigned i = 0; i < 4; i++) {
        if (entry_of(record, i)[4] == TYPE_GPT) {
            result = partition_visit_gpt(reader, 512);
            return result == -ENXIO ? partition_visit_gpt(reader, 4096) : result;
        }
    }
    return is_mbr(record) ? visit_mbr(reader, record) : 0;
}

int partition_each(partition_read_at read_at, void *context, int64_t size, partition_visit visitor,
                   void *visitors)
{
    struct table_reader reader = {read_at, context, size < 0 ? 0 : size, visitor, visitors};
    int result = visit_all(&reader);
    return result == -ENXIO || result == TABLE_ENOUGH ? 0 : result;
}

struct search {
    unsigned number;
    struct partition *found;
    bool is_found;
};

static bool compare(void *context, unsigned number, const struct partition *partition)
{
    struct search *search = context;
    if (number != search->number) {
        return true;
    }
    *search->found = *partition;
    search->is_found = true;
    return false;
}

int partition_find(partition_read_at read_at, void *context, int64_t size, unsigned number,
                   struct partition *found)
{
    struct search search = {number, found, false};
    int error = partition_each(read_at, context, size, compare, &search);
    return error < 0 ? error : search.is_found ? 0 : -ENXIO;
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
