/* Partitions of an image: /rbdw/img0-part1 is to /rbdw/img0 what /dev/rbd0p1 is to /dev/rbd0.
 *
 * Numbers and sizes are the kernel's: of a GPT the entry's place from 1 on; of an MBR 1 to 4 for
 * the table's own, and from 5 on the logical ones in the order of their chain. An extended partition
 * is its first 1024 bytes. What lies beyond the image's end is cut off an MBR's partition; a GPT's
 * one that reaches beyond is none. Other than the kernel, unless told to: a GPT is also found by its
 * copy at the end, and with sectors of 4096 bytes.
 *
 * A table is whatever somebody has written to the image: every number in it is checked, and a chain
 * ends after PARTITION_MAX_NUMBER. Any thread; no allocation, less than 16 KiB of the stack. */

#ifndef RBDW_PARTITION_H
#define RBDW_PARTITION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PARTITION_MAX_NUMBER 256

struct partition {
    int64_t base;   /* bytes from the image's begin */
    int64_t length; /* bytes */
};

/* As pread(2), with a negative errno. */
typedef ssize_t (*partition_read_at)(void *context, void *buffer, size_t length, off_t offset);

/* False: no more. */
typedef bool (*partition_visit)(void *visitor, unsigned number, const struct partition *partition);

/* Visits all partitions of an image of size bytes, MBR's logical ones last. 0, also where there is
 * no table; the reader's error; -EIO where it reads less than the image has. */
int partition_each(partition_read_at read_at, void *context, int64_t size, partition_visit visit,
                   void *visitor);

/* Finds one. 0; -ENXIO: there is no such; or as partition_each. */
int partition_find(partition_read_at read_at, void *context, int64_t size, unsigned number,
                   struct partition *found);

/* "/rbdw/img0-part12": /rbdw/img0 and 12. image: room for the path. False where it does not end
 * so. */
bool partition_split(const char *path, char *image, unsigned *number);

#endif
