/* Which process this is: what a fork leaves in the child belongs to the parent's session. */

#ifndef RBDW_FORK_H
#define RBDW_FORK_H

#include <stdatomic.h>
#include <stdint.h>

/* The number of this process: never 0 once fork_watch has returned, another one in every child.
 * Memory that the kernel clears in a child, since pthread_atfork alone misses a clone(2) or _Fork,
 * and getpid(2) at every read would be a system call. */
extern _Atomic uint32_t *fork_process_number;

/* Has in_child called in each child of this process. From a constructor: another thread may hold a lock at
 * the time of any later fork, and the child would have it for ever if that came before this. */
void fork_call_in_child(void (*in_child)(void));

/* Sets fork_process_number in a process where it is 0. Under the session's lock. 0 or an error with its
 * text, also where fork_call_in_child has failed, which is then tried again. */
int fork_watch(void (*in_child)(void));

#endif
