/* Which process this is: what a fork leaves in the child belongs to the parent's session. */

#ifndef RBDW_FORK_H
#define RBDW_FORK_H

#include <stdatomic.h>
#include <stdint.h>

/* The number of this process: never 0 once fork_watch has returned, another one in every child.
 * Memory that the kernel clears in a child, since pthread_atfork alone misses a clone(2) or _Fork,
 * and getpid(2) at every read would be a system call. */
extern _Atomic uint32_t *fork_process_number;

/* Sets fork_process_number in a process where it is 0, and has in_child called in each later child.
 * Under the session's lock. 0 or an error with its text. */
int fork_watch(void (*in_child)(void));

#endif
