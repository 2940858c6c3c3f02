/* The wait for a queue's answers: one thread looks and sleeps where the broker wakes, the others follow
 * it. */

#include <errno.h>
#include <time.h>

#include "futex.h"
#include "queue_state.h"
#include "system_call.h"

#define SECOND_NS INT64_C(1000000000)

/* 0: woken, or for no reason; -EAGAIN: it is time to look whether the broker is there. */
static int sleep_until(_Atomic uint32_t *word, uint32_t value, int scope, int64_t deadline_ns)
{
    int64_t left = deadline_ns - futex_now_ns();
    if (left <= 0) {
        return -ETIMEDOUT;
    }
    if (left > FUTEX_LOOK_NS) {
        left = FUTEX_LOOK_NS;
    }
    struct timespec timeout = {left / SECOND_NS, left % SECOND_NS};
    long result =
        system_call(SYS_futex, (long) word, FUTEX_WAIT | scope, value, (long) &timeout, 0, 0);
    return result == -EINTR ? -EINTR : result == -ETIMEDOUT ? -EAGAIN : 0;
}

static bool is_changed(const struct queue *queue, struct queue_sight sight)
{
    return channel_has_come(queue_channel(queue), sight.response)
           || atomic_load(&queue->changes) != sight.changes || queue_is_known_dead(queue);
}

/* As channel_await_response. */
static int watch(struct queue *queue, struct queue_sight sight, int64_t deadline_ns, bool may_spin)
{
    _Atomic uint32_t *waiting = &queue_channel(queue)->control->client_waiting;
    int64_t began_ns = futex_now_ns();
    if (may_spin
        && channel_spin(queue_channel(queue), sight.response, began_ns, queue->length == 1,
                        deadline_ns)) {
        channel_learn(queue_channel(queue), began_ns, true);
        return 0;
    }
    int result = 0;
    while (true) {
        atomic_store_explicit(waiting, 1, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst);
        if (is_changed(queue, sight)) {
            break;
        }
        if (result < 0 && result != -EAGAIN) {
            return result;
        }
        result = sleep_until(waiting, 1, FUTEX_SHARED, deadline_ns);
        if (result == -EAGAIN) {
            session_is_alive(queue_session(queue));
        }
    }
    atomic_store_explicit(waiting, 0, memory_order_relaxed);
    channel_learn(queue_channel(queue), began_ns, false);
    return 0;
}

static void announce_change(struct queue *queue)
{
    atomic_fetch_add(&queue->changes, 1);
    futex_wake(&queue->changes, INT32_MAX, FUTEX_PRIVATE);
}

/* Of a thread in queue_await: from, that it is counted among those; to, among the followers. */
static void end_wait(struct taken *taken)
{
    struct queue *queue = taken->of;
    uint32_t ours = taken->token;
    if (taken->to != 0) {
        taken->to = 0;
        atomic_fetch_sub(&queue->followers, 1);
    }
    if (atomic_compare_exchange_strong(&queue->watched, &ours, 0)
        && atomic_load(&queue->followers) > 0) {
        announce_change(queue);
    }
    if (taken->from != 0) {
        taken->from = 0;
        atomic_fetch_sub(&queue->waiters, 1);
    }
}

static int await(struct queue *queue, struct queue_sight sight, int64_t deadline_ns, bool may_spin,
                 struct taken *wait)
{
    uint32_t nobody = 0;
    if (is_changed(queue, sight)) {
        return 0;
    }
    if (!atomic_compare_exchange_strong(&queue->watched, &nobody, wait->token)) {
        atomic_fetch_add(&queue->followers, 1);
        wait->to = 1;
        int result = 0;
        if (atomic_load(&queue->watched) != 0) { /* whoever has just left saw no follower */
            result = sleep_until(&queue->changes, sight.changes, FUTEX_PRIVATE, deadline_ns);
        }
        return result == -EAGAIN ? 0 : result;
    }
    return watch(queue, sight, deadline_ns, may_spin);
}

int queue_await(struct queue *queue, struct queue_sight sight, int64_t deadline_ns, bool may_spin)
{
    /*   here:     waiters + 1           | look which session it is
     *   a change: put another session   | look whether there are waiters, and free the former
     * One of the two sees the other. */
    struct taken_mark mark;
    struct taken *wait = taken_push(&mark, TAKEN_OTHER, end_wait, queue);
    if (wait == NULL) {
        return -EINTR; /* of a handler on a handler, and so on */
    }
    atomic_fetch_add(&queue->waiters, 1);
    wait->from = 1;
    int result = await(queue, sight, deadline_ns, may_spin, wait);
    end_wait(wait);
    taken_pop(wait);
    return result;
}

void queue_wake(struct queue *queue)
{
    _Atomic uint32_t *waiting = &queue_channel(queue)->control->client_waiting;
    announce_change(queue);
    atomic_store(waiting, 0);
    futex_wake(waiting, INT32_MAX, FUTEX_SHARED);
}
