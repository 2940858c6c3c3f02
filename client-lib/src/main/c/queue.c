#include "queue.h"

#include "futex.h"
#include "session.h"

/* Sleepers are told apart by 32 bits: to wake one costs the wakes of every 32nd behind it. */
static uint32_t bit_of(uint32_t ticket)
{
    return UINT32_C(1) << (ticket % 32);
}

void lease_queue_init(struct lease_queue *queue, uint32_t channels)
{
    atomic_init(&queue->drawn, 0);
    atomic_init(&queue->admitted, channels);
}

bool lease_queue_enter(struct lease_queue *queue, struct session *session)
{
    uint32_t ticket = atomic_fetch_add(&queue->drawn, 1);
    while (true) {
        uint32_t admitted = atomic_load(&queue->admitted);
        if ((int32_t) (admitted - ticket) > 0) {
            return true;
        }
        if (!futex_wait(&queue->admitted, admitted, bit_of(ticket), FUTEX_PRIVATE)
            && !session_is_alive(session)) {
            return false;
        }
    }
}

void lease_queue_leave(struct lease_queue *queue)
{
    uint32_t ticket = atomic_fetch_add(&queue->admitted, 1); /* the one that is admitted by this */
    if ((int32_t) (atomic_load(&queue->drawn) - ticket) > 0) {
        futex_wake(&queue->admitted, bit_of(ticket), FUTEX_PRIVATE);
    }
}
