#include "futex.h"

#include <errno.h>
#include <time.h>

#include "clock.h"
#include "system_call.h"

#define SECOND_NS INT64_C(1000000000)

bool futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t timeout_ns, int scope)
{
    struct timespec timeout = {timeout_ns / SECOND_NS, timeout_ns % SECOND_NS};
    return system_call(SYS_futex, (long) word, FUTEX_WAIT | scope, value, (long) &timeout, 0, 0)
           != -ETIMEDOUT;
}

void futex_pause(int64_t ns)
{
    _Atomic uint32_t nothing = 0;
    futex_wait(&nothing, 0, ns, FUTEX_PRIVATE);
}

void futex_wake(_Atomic uint32_t *word, int count, int scope)
{
    system_call(SYS_futex, (long) word, FUTEX_WAKE | scope, count, 0, 0, 0);
}

int64_t futex_now_ns(void)
{
    return clock_now_ns();
}
