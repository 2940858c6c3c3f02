/* A stretch of a call that nothing leaves: the thread is not cancelled in it, and no signal handler runs on
 * it, which might jump out of it or want a lock that the thread has. A signal without a handler is held up
 * for moments only, so that a person can end a program that waits for a cluster.
 *
 * Stretches nest. Any thread, also in signal handlers. Two system calls: not for reads and writes. */

#ifndef RBDW_HELD_H
#define RBDW_HELD_H

#include <signal.h>

void held_begin(void);
void held_end(void);

/* What a stretch, and a thread of ours, holds up: all signals but SIGSEGV and SIGBUS, which an instruction of ours may
 * be the cause of (preload/fault.h). */
void held_signals(sigset_t *signals);

/* Of taken.c alone, as long as a thread has something: its cancellation waits for a cancellation point, whatever type
 * it is of; or it waits for the end, too. Not counted; no system call. */
void held_begin_deferred(void);
void held_end_deferred(void);
void held_begin_uncancelled(void);
void held_end_uncancelled(void);

/* Around a wait in which a thread may be cancelled though it has something that it gives back then (taken.h), and
 * for which it is not cancelled otherwise; not in a stretch. */
void held_begin_cancellable(void);
void held_end_cancellable(void);

/* In a stretch (else nothing), before a wait that may be long: signals that have no handler do now what they do by
 * default. */
void held_let_end(void);

#endif
