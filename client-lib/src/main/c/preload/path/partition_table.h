/* What the readers of both kinds of partition tables stand on. */

#ifndef RBDW_PARTITION_TABLE_H
#define RBDW_PARTITION_TABLE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "partition.h"

struct table_reader {
    partition_read_at read_at;
    void *context;
    int64_t size;
    partition_visit visit;
    void *visitor;
};

/* Beside 0 and errors: the visitor has seen enough. */
#define TABLE_ENOUGH 1

/* Numbers of a table, which are little endian and stand anywhere. */
static inline uint32_t table_u32(const unsigned char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return le32toh(value);
}

static inline uint64_t table_u64(const unsigned char *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

/* Reads all of length bytes. 0; -ENXIO where they do not lie within the image. */
int table_read(const struct table_reader *reader, void *buffer, size_t length, uint64_t offset);

/* Shows the visitor a partition, in sectors: what lies within the image. 0 or TABLE_ENOUGH. */
int table_visit(const struct table_reader *reader, unsigned number, uint64_t first, uint64_t count,
                uint64_t sector);

/* A GPT with sectors of so many bytes. -ENXIO: there is none. */
int partition_visit_gpt(const struct table_reader *reader, uint64_t sector);

#endif
