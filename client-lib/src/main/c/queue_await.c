/* The wait for a queue's answers: one thread looks and sleeps where the broker wakes, the others follow
 * it. */

#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "futex.h"
#include "queue_state.h"

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
    if (syscall(SYS_futex, word, FUTEX_WAIT | scope, value, &timeout, NULL, 0) == 0) {
        return 0;
    }
    return errno == EINTR ? -EINTR : errno == ETIMEDOUT ? -EAGAIN : 0;
}

static bool is_changed(const struct queue *queue, struct queue_sight sight)
{
    return channel_has_come(queue_channel(queue), sight.position)
           || atomic_load(&queue->changes) != sight.changes || queue_is_known_dead(queue);
}

/* As channel_await_response. */
static int watch(struct queue *queue, struct queue_sight sight, int64_t deadline_ns, bool may_spin)
{
    _Atomic uint32_t *waiting = &queue_channel(queue)->control->client_waiting;
    int64_t began_ns = futex_now_ns();
    if (may_spin
        && channel_spin(queue_channel(queue), sight.position, began_ns, queue->length == 1,
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

static int await(struct queue *queue, struct queue_sight sight, int64_t deadline_ns, bool may_spin)
{
    uint32_t nobody = 0;
    if (is_changed(queue, sight)) {
        return 0;
    }
    if (!atomic_compare_exchange_strong(&queue->watched, &nobody, 1)) {
        atomic_fetch_add(&queue->followers, 1);
        int result = 0;
        if (atomic_load(&queue->watched) != 0) { /* whoever has just left saw no follower */
            result = sleep_until(&queue->changes, sight.changes, FUTEX_PRIVATE, deadline_ns);
        }
        atomic_fetch_sub(&queue->followers, 1);
        return result == -EAGAIN ? 0 : result;
    }
    int result = watch(queue, sight, deadline_ns, may_spin);
    atomic_store(&queue->watched, 0);
    if (atomic_load(&queue->followers) > 0) {
        announce_change(queue);
    }
    return result;
}

int queue_await(struct queue *queue, struct queue_sight sight, int64_t deadline_ns, bool may_spin)
{
    /*   here:     waiters + 1           | look which session it is
     *   a change: put another session   | look whether there are waiters, and free the former
     * One of the two sees the other. */
    atomic_fetch_add(&queue->waiters, 1);
    int result = await(queue, sight, deadline_ns, may_spin);
    atomic_fetch_sub(&queue->waiters, 1);
    return result;
}

void queue_wake(struct queue *queue)
{
    _Atomic uint32_t *waiting = &queue_channel(queue)->control->client_waiting;
    announce_change(queue);
    atomic_store(waiting, 0);
    futex_wake(waiting, INT32_MAX, FUTEX_SHARED);
}
