/* A bad address that a program gives to a call on an image is EFAULT, as from the kernel: this has the signals
 * SIGSEGV and SIGBUS, and where a copy of user_copy.h was interrupted, it goes on behind it. All others go to whom the
 * program has set, who is called as the kernel would: with its mask, on its stack. The program sees nothing of it, for
 * calls/signal.c answers for sigaction(2) and its kin. From the first open of an image on; a program that opens none has
 * the kernel's signals alone.
 *
 * Past us go: rt_sigaction(2) by syscall(2) or by a runtime of its own (Go's), sigset and siginterrupt, and a thread
 * that has blocked the signal: there a bad address ends the program as it would in memcpy. */

#ifndef RBDW_FAULT_H
#define RBDW_FAULT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "user_copy.h"

/* From now on. Any thread; once it has been done, one load. */
void fault_watch(void);

/* user_copy_all in a call that may be the first on an image: none may be open yet. */
static inline int fault_copy(void *to, const void *from, size_t count)
{
    fault_watch();
    return user_copy_all(to, from, count);
}

/* Whether the signal is ours, and its action to be asked for here. */
bool fault_has(int signal);

/* As sigaction(2), of one that fault_has. 0 or an error. */
int fault_set_action(int signal, const struct sigaction *action, struct sigaction *before);

#endif
