#include "futex.h"

#include <errno.h>

#define SECOND_NS INT64_C(1000000000)

bool futex_wait(_Atomic uint32_t *word, uint32_t value, uint32_t bits, int scope)
{
    struct timespec deadline; /* FUTEX_WAIT_BITSET takes a point in time */
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    int64_t ns = deadline.tv_nsec + FUTEX_PATIENCE_NS;
    deadline.tv_sec += ns / SECOND_NS;
    deadline.tv_nsec = ns % SECOND_NS;
    return syscall(SYS_futex, word, FUTEX_WAIT_BITSET | scope, value, &deadline, NULL, bits) == 0
           || errno != ETIMEDOUT;
}
