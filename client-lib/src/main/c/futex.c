#include "futex.h"

#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)

bool futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t timeout_ns, int scope)
{
    struct timespec timeout = {timeout_ns / SECOND_NS, timeout_ns % SECOND_NS};
    return syscall(SYS_futex, word, FUTEX_WAIT | scope, value, &timeout, NULL, 0) == 0
           || errno != ETIMEDOUT;
}

void futex_wake(_Atomic uint32_t *word, int count, int scope)
{
    syscall(SYS_futex, word, FUTEX_WAKE | scope, count, NULL, NULL, 0);
}

int64_t futex_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND_NS + now.tv_nsec;
}
