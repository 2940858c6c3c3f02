/* What a thread has taken in a call, and would leave behind if it left the call midway: a signal handler that
 * has interrupted it may jump away, throw an exception or end the thread. As long as there is something, the
 * thread is not cancelled (see enum taken_kind).
 *
 *     push     the thread's notes: what, how to give it back, and a mark in the frame of the call
 *     take it  in a way that give_back can tell whether this was done: the notes come first
 *     ...
 *     give it back, pop
 *
 * A call has been left when its frame is gone. That is known
 *   - to the preload library when a program jumps (longjmp): the frame lies between the handler and the target;
 *   - at the thread's next call, where that runs above the frame, or the mark is overwritten;
 *   - when the thread ends.
 * All but the first holds without the preload library, too. A frame on a stack other than the one that the
 * thread was born with may belong to a coroutine that goes on some day: it is gone only where another call
 * has the same place.
 *
 * Each thread has its own notes; no lock, no system call but at a thread's first. Safe in signal handlers. */

#ifndef RBDW_TAKEN_H
#define RBDW_TAKEN_H

#include <stdbool.h>
#include <stdint.h>

/* Lives on the stack, as long as the call. */
struct taken_mark {
    uint64_t value;
};

struct taken {
    void (*give_back)(struct taken *taken); /* also where it is noted, but not taken yet or any more */
    struct taken_mark *mark; /* NULL: of the same call as the one before */
    uint64_t value;          /* that the mark has */
    uint32_t token;          /* of this alone, of all threads; not 0 */
    uint32_t kind;
    void *of; /* the caller's, as all that follows */
    void *also;
    int64_t from;
    int64_t to;
};

/* Of a call without a cancellation point in it, but in stretches of held.h, it is enough that the thread's
 * cancellation waits for such a point: to disable it costs more than all the rest of a note. */
enum taken_kind {
    TAKEN_OTHER,
    TAKEN_TRANSFER, /* of such a call */
    TAKEN_CHANNEL,  /* of such a call */
    TAKEN_FOLLOWING,
    TAKEN_BY_NUMBER, /* of a call by syscall(2), in which no wait is a cancellation point */
};

/* NULL where the thread has too much, or there is no memory. also, from and to are 0. */
struct taken *taken_push(struct taken_mark *mark, enum taken_kind kind,
                         void (*give_back)(struct taken *taken), void *of);

/* A note of nothing, to begin a call with that takes several things: the thread is not cancelled. */
struct taken *taken_enter(struct taken_mark *mark, enum taken_kind kind);

/* NULL: nothing. */
void taken_pop(struct taken *taken);

/* The thread's last note of this kind and thing, or NULL. */
struct taken *taken_find(void (*give_back)(struct taken *taken), const void *of);

/* How many of this kind. */
uint32_t taken_count(enum taken_kind kind);

/* Whether there is one of this kind with that. */
bool taken_has(enum taken_kind kind, const void *also);

/* Whether the thread has anything. */
bool taken_any(void);

/* Gives back what calls have that were left. */
void taken_give_back_left(void);

/* The thread is about to jump to where the stack has this address. */
void taken_before_jump(uintptr_t target);

#endif
