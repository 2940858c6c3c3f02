/* futex(2). No cancellation point, so that a thread cannot end while it holds a channel. */

#ifndef RBDW_FUTEX_H
#define RBDW_FUTEX_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FUTEX_PRIVATE FUTEX_PRIVATE_FLAG
#define FUTEX_SHARED 0

/* How long a sleeper sleeps before it looks whether the broker is still there. */
#define FUTEX_LOOK_NS INT64_C(250000000)

/* Sleeps while *word is value. False after timeout_ns; true otherwise, also for no reason. */
bool futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t timeout_ns, int scope);

/* Sleeps so long, or less where a signal comes. */
void futex_pause(int64_t ns);

/* Wakes so many sleepers, those first that have slept longest. */
void futex_wake(_Atomic uint32_t *word, int count, int scope);

/* The monotonic clock (clock.h). */
int64_t futex_now_ns(void);

#endif
