/* futex(2). No cancellation point, so that a thread cannot end while it holds a channel. */

#ifndef RBDW_FUTEX_H
#define RBDW_FUTEX_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FUTEX_ALL_BITS FUTEX_BITSET_MATCH_ANY
#define FUTEX_PRIVATE FUTEX_PRIVATE_FLAG
#define FUTEX_SHARED 0

/* How long a sleeper sleeps before it looks whether the broker is still there. */
#define FUTEX_PATIENCE_NS INT64_C(250000000)

/* Sleeps while *word is value. False after FUTEX_PATIENCE_NS; true otherwise, also for no reason. */
bool futex_wait(_Atomic uint32_t *word, uint32_t value, uint32_t bits, int scope);

/* Wakes all who sleep with one of these bits. */
static inline void futex_wake(_Atomic uint32_t *word, uint32_t bits, int scope)
{
    syscall(SYS_futex, word, FUTEX_WAKE_BITSET | scope, INT32_MAX, NULL, NULL, bits);
}

#endif
