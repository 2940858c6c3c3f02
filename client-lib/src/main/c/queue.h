/* Who may take a channel: as many threads as there are channels, the others in the order in which
 * they came.
 *
 * Tickets 0, 1, 2 ... are drawn by who wants a channel; those below `admitted` have one. Who returns
 * a channel admits one more. A plain race for the channel that becomes free would let a thread that
 * has just returned it win for ever against those that must be woken first.
 *
 * Any thread, any number of them; no lock, so a signal handler may interrupt it anywhere. */

#ifndef RBDW_QUEUE_H
#define RBDW_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct session;

struct lease_queue {
    _Alignas(64) _Atomic uint32_t drawn;
    _Alignas(64) _Atomic uint32_t admitted; /* futex */
};

void lease_queue_init(struct lease_queue *queue, uint32_t channels);

/* Returns when the caller is admitted, or false where the broker is gone. That is looked at
 * a few times a second. */
bool lease_queue_enter(struct lease_queue *queue, struct session *session);

void lease_queue_leave(struct lease_queue *queue);

#endif
