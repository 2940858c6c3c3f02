/* Partitions of an image: /rbdw/img0-part1 is to /rbdw/img0 what /dev/rbd0p1 is to /dev/rbd0.
 *
 * Numbers are the kernel's: of a GPT the entry's place from 1 on, of an MBR 1 to 4 for the table's own
 * and from 5 on for the logical ones, in the order of their chain. A table is whatever somebody has
 * written to the image: nothing in it is believed that does not lie within the image. */

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

/* Finds a partition of an image of size bytes. 0; -ENXIO: there is no such; the reader's error. */
int partition_find(partition_read_at read_at, void *context, int64_t size, unsigned number,
                   struct partition *found);

/* "/rbdw/img0-part12": /rbdw/img0 and 12. image: room for the path. False where it does not end so. */
bool partition_split(const char *path, char *image, unsigned *number);

#endif
