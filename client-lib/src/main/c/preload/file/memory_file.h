/* A file in memory (memfd_create(2)) of a given size. */

#ifndef RBDW_MEMORY_FILE_H
#define RBDW_MEMORY_FILE_H

#include <stdint.h>

/* Holes until it is written. size: bytes. Returns its descriptor or an error: -EFBIG, and no signal,
 * where the process may not make files of this size (RLIMIT_FSIZE). */
int memory_file_make(const char *name, unsigned flags, int64_t size);

#endif
