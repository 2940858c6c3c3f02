/* Opening an image by its path, for open(2) and for the streams. */

#ifndef RBDW_IMAGE_OPEN_H
#define RBDW_IMAGE_OPEN_H

#include "image_path.h"
#include "rbdw.h"

/* Of a path below /rbdw: the mapped image, or the partition of one. */
struct image_part {
    char image[PATH_MAX]; /* /rbdw/NAME, as the broker knows it */
    unsigned partition;   /* 0: all of it */
    int64_t base;         /* bytes */
    int64_t length;       /* bytes; -1: all of it */
};

/* Opens what the path means: the image of that name, else the partition NAME-partN of NAME. identity: which
 * image it has to be (-ESTALE); "": any. 0 or an error. */
int image_open_part(const char *path, const char *identity, int access_mode, struct image_part *part,
                    rbdw_file **image);

/* Of a part, as the broker wants it: the longest that it can be. */
int64_t image_part_length(int64_t base, int64_t length);

/* As open(2): a new descriptor or an error. */
int image_open(const struct image_path *target, int flags);

#endif
