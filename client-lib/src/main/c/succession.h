/* The sessions of this process's threads, one after the other: what happens when a broker ends and
 * the next one comes.
 *
 *   OPEN -- dead --> LOST -- connect, open all files --> REPLAYING -- all answered --> CLOSING -- Done --> OPEN
 *    all requests     none                                requests without an answer    none
 *                      \-- nobody came in time: the files have failed, and the next open begins anew
 *
 * No thread is made for it: whoever waits takes the next step, one at a time. A request that had no
 * answer is made again by the thread that waits for it; others wait until all of these have theirs,
 * in this process and in every other one (the broker sees to that: ReturnGrace.java).
 *
 * Thread rules: any thread. Not in a handler that has interrupted a call of its thread
 * (session_is_nested): that call may be what others wait for. */

#ifndef RBDW_SUCCESSION_H
#define RBDW_SUCCESSION_H

#include <stdbool.h>

#include "file.h"
#include "session.h"

/* Nothing failed, but there is no broker now: succession_await_open, and once more. */
#define SUCCESSION_LOST (-4096)

/* In a child: nothing of the parent's. */
void succession_forget(void);

/* Under the lock: the session of this process, made where there is none. The reference is the
 * caller's to session_release. 0, SUCCESSION_LOST, or an error with its text. */
int succession_acquire(struct session **session);

/* Under the lock: whether the next succession_acquire would give it, with the same broker as before. */
bool succession_is_current(struct session *session);

/* Under the lock: files that are open in the session, or were. */
void succession_add_file(struct rbdw_file *file);
void succession_remove_file(struct rbdw_file *file);

/* Under the lock, when a file was closed: if it was the last of a broker that has ended, the next one
 * takes the image to be in use by us until it hears of it. One attempt: it may not be there, or not
 * answer in time. */
void succession_end_absence(void);

/* Under the lock: likewise of a queue's session, whose broker has ended. It is told later where there is
 * none. */
void succession_end_for(struct session_key key);

/* Waits until the file (NULL: any) can be used. 0, also in a child; an error with its text where it
 * cannot be any more. */
int succession_await_open(const struct rbdw_file *file);

/* Waits while files are being opened elsewhere. */
void succession_await_rest(void);

/* Before its channel is returned: requests that were made there have no answer.
 * succession_end_replay follows. False where it is too late: others have gone on. */
bool succession_begin_replay(const struct session *lost_on);

/* Waits for the session where they may be made again; not that one. Then they may be lost again.
 * 0, or an error with its text. */
int succession_await_replay(const struct rbdw_file *file, const struct session *lost_on,
                            struct session **session);

void succession_end_replay(void);

/* Pauses between attempts to find a broker: those of an upgrade are back within a second. */
struct attempts {
    int64_t began_ns;
    int64_t pause_ns;
};

struct attempts succession_first_attempt(void);

/* After one that failed: waits, or returns false where RBDW_RECONNECT_TIMEOUT is over or the error is
 * one that time does not mend. */
bool succession_try_again(struct attempts *attempts, int error);

/* After an attempt to get a first session: waits, or returns false where no broker is to be expected.
 * had_one: the process that this is a child of had a session. */
bool succession_await_broker(struct attempts *attempts, int error, bool had_one);

/* Has others_return called before a session waits for those that the broker waits for: they may be of
 * this thread. */
void succession_watch_others(void (*others_return)(void));
void succession_others_return(void);

#endif
