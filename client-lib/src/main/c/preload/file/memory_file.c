#include "memory_file.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "real.h"

int memory_file_make(const char *name, unsigned flags, int64_t size)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && (rlim_t) size > limit.rlim_cur) {
        return -EFBIG; /* ftruncate(2) would raise SIGXFSZ, which ends programs */
    }
    int memory = memfd_create(name, flags);
    if (memory < 0) {
        return -errno;
    }
    if (REAL(ftruncate)(memory, size) < 0) {
        int error = -errno;
        REAL(close)(memory);
        return error;
    }
    return memory;
}
