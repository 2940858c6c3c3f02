/* partition_check list FILE: what the library finds in a table, "number begin length", in bytes.
 * partition_check mutate FILE COUNT SEED: that COUNT damages of the table do no harm. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload/path/partition.c"
#include "preload/path/partition_gpt.c"

/* More than any table makes the reader take: two headers and two tables twice, or a full chain, for
 * each size of sectors. */
#define MAX_READ (8L << 20)

#define MAX_PLACES 4096

struct table {
    unsigned char *bytes;
    int64_t size;
    long taken; /* bytes, of one look */
    bool fails; /* from time to time */
    /* where an undamaged look reads: damage elsewhere would not be seen */
    int places;
    int64_t place[MAX_PLACES];
    bool is_learning;
};

static void fail(const char *what, long number)
{
    fprintf(stderr, "partition_check: %s: %ld\n", what, number);
    exit(1);
}

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t) (random_state >> 33) % limit;
}

static void learn(struct table *table, int64_t offset, size_t length)
{
    for (size_t at = 0; at < length && table->places < MAX_PLACES; at += MBR_SECTOR) {
        table->place[table->places++] = offset + (int64_t) at;
    }
}

static ssize_t read_table(void *context, void *buffer, size_t length, off_t offset)
{
    struct table *table = context;
    if (offset < 0 || offset > table->size || length > (size_t) (table->size - offset)) {
        fail("reads outside of the image", offset);
    }
    table->taken += (long) length;
    if (table->taken > MAX_READ) {
        fail("reads without an end", table->taken);
    }
    if (table->is_learning) {
        learn(table, offset, length);
    }
    if (table->fails && random_below(20) == 0) {
        return random_below(2) == 0 ? -EIO : (ssize_t) random_below((uint32_t) length);
    }
    memcpy(buffer, table->bytes + offset, length);
    return (ssize_t) length;
}

struct seen {
    int64_t size;
    unsigned count;
    struct partition by_number[PARTITION_MAX_NUMBER + 1];
};

static bool note(void *context, unsigned number, const struct partition *partition)
{
    struct seen *seen = context;
    if (number == 0 || number > PARTITION_MAX_NUMBER) {
        fail("gives a number that it cannot find", number);
    }
    if (seen->by_number[number].length != 0) {
        fail("gives a number twice", number);
    }
    if (partition->base < 0 || partition->length <= 0 || partition->base >= seen->size
        || partition->length > seen->size - partition->base) {
        fail("gives a partition outside of the image", number);
    }
    seen->by_number[number] = *partition;
    seen->count++;
    return true;
}

static int look(struct table *table, struct seen *seen)
{
    memset(seen, 0, sizeof *seen);
    seen->size = table->size;
    table->taken = 0;
    return partition_each(read_table, table, table->size, note, seen);
}

static void expect_to_find_what_is_listed(struct table *table, const struct seen *seen)
{
    for (int i = 0; i < 4; i++) {
        struct partition found = {0, 0};
        unsigned number = i < 2 ? random_below(16) : random_below(PARTITION_MAX_NUMBER + 2);
        table->taken = 0;
        int error = partition_find(read_table, table, table->size, number, &found);
        struct partition expected = {0, 0};
        if (number <= PARTITION_MAX_NUMBER) {
            expected = seen->by_number[number];
        }
        if (error != (expected.length != 0 ? 0 : -ENXIO) || found.base != expected.base
            || found.length != expected.length) {
            fail("finds something else than it lists", number);
        }
    }
}

static void put(unsigned char *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        at[i] = (unsigned char) (value >> 8 * i);
    }
}

/* A liar that computes checksums, too. */
static void sign(struct table *table, int64_t at)
{
    unsigned char *header = table->bytes + at;
    uint64_t first = table_u64(header + 72);
    uint64_t length = (uint64_t) table_u32(header + 80) * table_u32(header + 84);
    uint64_t sectors = (uint64_t) table->size / 512;
    if (memcmp(header, GPT_SIGNATURE, 8) != 0) {
        return;
    }
    if (first < sectors && length <= (uint64_t) table->size - first * 512) {
        put(header + 88, ~crc32_add(~UINT32_C(0), table->bytes + first * 512, length), 4);
    }
    uint32_t own = table_u32(header + 12);
    if (own <= 512) {
        put(header + 16, 0, 4);
        put(header + 16, ~crc32_add(~UINT32_C(0), header, own), 4);
    }
}

static uint64_t interesting_value(const struct table *table)
{
    static const uint64_t values[] = {
        0, 1, 2, 0x7f, 0x80, 0xee, 0x05, 0x0f, 128, 4096, 0x7fffffff, 0x80000000, 0xffffffff,
        INT64_MAX, (uint64_t) INT64_MAX + 1, UINT64_MAX, UINT64_MAX - 1, UINT64_MAX / 512,
    };
    uint32_t which = random_below(sizeof values / sizeof *values + 3);
    uint64_t sectors = (uint64_t) table->size / 512;
    return which < sizeof values / sizeof *values ? values[which]
                                                  : sectors - 1 + which % 3;
}

/* Boot records are damaged where their entries are, headers at their fields. */
static int64_t vulnerable_place(const struct table *table)
{
    int64_t sector = table->place[random_below((uint32_t) table->places)];
    bool is_header = memcmp(table->bytes + sector, GPT_SIGNATURE, 8) == 0;
    bool is_record = table->bytes[sector + MBR_SIGNATURE] == 0x55;
    uint32_t within = is_header   ? random_below(96)
                      : is_record ? MBR_ENTRIES + random_below(MBR_SECTOR - MBR_ENTRIES)
                                  : random_below(MBR_SECTOR);
    return sector + within;
}

static void damage_once(struct table *table)
{
    static const int widths[] = {1, 2, 4, 8};
    int64_t at = vulnerable_place(table);
    int width = widths[random_below(4)];
    if (random_below(3) == 0) {
        table->bytes[at] ^= (unsigned char) (1 << random_below(8));
    } else if (at + width <= table->size) {
        at -= random_below(2) == 0 ? at % width : 0;
        put(table->bytes + at, interesting_value(table), width);
    }
}

/* The mapping is private: what is damaged is healed from the file. */
static void heal(struct table *table, int fd)
{
    for (int i = 0; i < table->places; i++) {
        int64_t at = table->place[i];
        if (pread(fd, table->bytes + at, MBR_SECTOR + 8, at) < MBR_SECTOR) {
            fail("cannot read the file", at);
        }
    }
}

static void mutate(struct table *table, int fd, long count)
{
    static struct seen seen;
    table->is_learning = true;
    if (look(table, &seen) != 0 || seen.count == 0) {
        fail("has no partitions to start with", seen.count);
    }
    learn(table, table->size - 512, 512);
    table->is_learning = false;
    long with_partitions = 0;
    for (long i = 0; i < count; i++) {
        for (uint32_t damages = 1 + random_below(6); damages > 0; damages--) {
            damage_once(table);
        }
        if (random_below(4) != 0) {
            sign(table, 512);
            sign(table, table->size - 512);
        }
        table->fails = random_below(8) == 0;
        int error = look(table, &seen);
        if (error != 0 && !(table->fails && error == -EIO)) {
            fail("has an error of its own", error);
        }
        if (!table->fails) {
            expect_to_find_what_is_listed(table, &seen);
        }
        with_partitions += seen.count > 0;
        heal(table, fd);
    }
    table->fails = false;
    printf("%ld of %ld damaged tables have partitions\n", with_partitions, count);
}

static void list(struct table *table)
{
    static struct seen seen;
    int error = look(table, &seen);
    if (error != 0) {
        fail("cannot list", error);
    }
    for (unsigned i = 1; i <= PARTITION_MAX_NUMBER; i++) {
        if (seen.by_number[i].length != 0) {
            printf("%u %ld %ld\n", i, (long) seen.by_number[i].base,
                   (long) seen.by_number[i].length);
        }
    }
}

int main(int count, char **arguments)
{
    static struct table table;
    struct stat status;
    if (count != 3 && count != 5) {
        fail("usage: partition_check list FILE | mutate FILE COUNT SEED", count);
    }
    int fd = open(arguments[2], O_RDONLY);
    if (fd < 0 || fstat(fd, &status) < 0) {
        fail("cannot open the file", errno);
    }
    table.size = status.st_size;
    table.bytes = mmap(NULL, (size_t) table.size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (table.bytes == MAP_FAILED) {
        fail("cannot map the file", errno);
    }
    if (strcmp(arguments[1], "list") == 0) {
        list(&table);
    } else {
        random_state = strtoull(arguments[4], NULL, 10);
        mutate(&table, fd, strtol(arguments[3], NULL, 10));
    }
    return 0;
}
