/* What an image's path or descriptor tells about it: a regular file of the image's size. */

#ifndef RBDW_IMAGE_STAT_H
#define RBDW_IMAGE_STAT_H

#include <stdbool.h>
#include <sys/stat.h>

#include "image_path.h"
#include "open_file.h"

#define IMAGE_ROOT_INODE 1

/* Of a mapping, or of a partition in it. */
ino_t image_stat_inode(unsigned mapping_id, unsigned partition);

/* 0 or an error: ENOENT, ENXIO without a broker, and what the broker says. */
int image_stat_of_path(const struct image_path *target, struct stat *status);
int image_stat_of_file(struct open_file *file, struct stat *status);

/* The same, and when it was made; created may be NULL. */
int image_stat_with_birth_of_path(const struct image_path *target, struct stat *status,
                                  struct timespec *created);
int image_stat_with_birth_of_file(struct open_file *file, struct stat *status,
                                  struct timespec *created);

void image_stat_of_root(struct stat *status);

/* As access(2); effective: by the effective ids. */
int image_stat_access(const struct image_path *target, int mode, bool effective);

#endif
