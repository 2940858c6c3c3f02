/* What librbdw knows beyond rbdw.h. */
#ifndef RBDW_IMAGE_H
#define RBDW_IMAGE_H
#include <stdbool.h>
#include <stdint.h>
#include "rbdw.h"
struct image_stat { uint32_t mapping_id; int64_t size; uint32_t object_size, owner_uid, owner_gid; uint16_t mode; bool read_only; int64_t mapped_at_ns; };
int image_stat_path(const char *path, struct image_stat *stat);
int image_stat_file(rbdw_file *file, struct image_stat *stat);
int image_list(int (*on_mapping)(void *context, const char *path, const struct image_stat *known), void *context);
int image_lock_file(rbdw_file *file, int *fd);
#endif
