/* Temporary: parts that are written elsewhere at this moment. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "descriptor.h"
#include "image.h"
#include "partition.h"
int image_lock_file(rbdw_file *file, int *fd) { (void)file; (void)fd; return -ENOLCK; }
int partition_find(partition_read_at r, void *c, int64_t s, unsigned n, struct partition *f) { (void)r;(void)c;(void)s;(void)n;(void)f; return -ENXIO; }
bool partition_split(const char *p, char *i, unsigned *n) { (void)p;(void)i;(void)n; return false; }
