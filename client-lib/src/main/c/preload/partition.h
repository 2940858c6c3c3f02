#ifndef RBDW_PARTITION_H
#define RBDW_PARTITION_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
struct partition { int64_t base; int64_t length; };
typedef ssize_t (*partition_read_at)(void *context, void *buffer, size_t length, off_t offset);
int partition_find(partition_read_at read_at, void *context, int64_t size, unsigned number, struct partition *found);
bool partition_split(const char *path, char *image, unsigned *number);
#endif
