/* Copies to and from memory whose address a program gave: it may not be there, not be writable, or belong to a mapping
 * of a file that was cut. The copy is one instruction, which says at any moment how much is left; where it faults,
 * whoever has the signal lets the thread go on behind it (preload/fault.c). So a copy that succeeds costs nothing
 * more. Without such a handler, as in librbdw, and on processors other than x86-64, a bad address ends the program as
 * in memcpy.
 *
 * Any thread, also in signal handlers. */

#ifndef RBDW_USER_COPY_H
#define RBDW_USER_COPY_H

#include <errno.h>
#include <stddef.h>

/* Bytes that were copied: fewer than count where there was a fault. */
size_t user_copy(void *to, const void *from, size_t count);

/* All of it, or -EFAULT. */
static inline int user_copy_all(void *to, const void *from, size_t count)
{
    return user_copy(to, from, count) == count ? 0 : -EFAULT;
}

#if defined(__x86_64__)
/* The instruction, and the one behind it. */
extern const char user_copy_at[] __attribute__((visibility("hidden")));
extern const char user_copy_after[] __attribute__((visibility("hidden")));
#endif

#endif
