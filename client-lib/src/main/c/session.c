#include "session.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "descriptor.h"
#include "error.h"
#include "segment.h"
#include "spare_cores.h"

/* What the broker is asked for. */
struct wish {
    uint16_t channels;
    uint16_t depth;        /* requests in flight a channel */
    uint32_t arena_length; /* bytes a channel */
};

/* Four channels and one for signal handlers. */
static const struct wish for_threads_and_handlers = {5, 64, 1024 * 1024};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int cancel_state; /* of who has the lock */
static sigset_t signals;   /* likewise */
static struct session *current;
static struct session *sessions; /* all of this process */

/* All but those that would end the program: a person may give up waiting for a cluster. */
static void signals_to_hold(sigset_t *signals_held)
{
    static const int ending[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP};
    sigfillset(signals_held);
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) {
        struct sigaction action;
        if (sigaction(ending[i], NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
            sigdelset(signals_held, ending[i]);
        }
    }
}

void session_lock(void)
{
    int state;
    sigset_t held;
    sigset_t before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    signals_to_hold(&held);
    pthread_sigmask(SIG_BLOCK, &held, &before);
    pthread_mutex_lock(&lock);
    cancel_state = state;
    signals = before;
}

void session_unlock(void)
{
    int state = cancel_state;
    sigset_t before = signals;
    pthread_mutex_unlock(&lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_setcancelstate(state, NULL);
}

/* In a child. The parent's broker must see the end of the parent's socket even if the child lives
 * longer. The lock may have been held by a thread that the child does not have. */
static void forget_parents_session(void)
{
    pthread_mutex_init(&lock, NULL);
    for (struct session *session = sessions; session != NULL; session = session->next) {
        descriptor_drop(session->socket);
        descriptor_drop(session->doorbell);
    }
    sessions = NULL; /* not freed: the parent's threads may have been changing them */
    current = NULL;
}

static int begin(struct session *session, const struct wish *wish)
{
    struct welcome welcome;
    int error = control_hello(&session->control, wish->channels, wish->depth, wish->arena_length,
                              &welcome);
    if (error < 0) {
        return error;
    }
    struct segment_geometry geometry;
    error = segment_map(welcome.memory, welcome.segment_length, &session->segment, &geometry);
    close(welcome.memory);
    if (error < 0) {
        close(welcome.doorbell);
        return error;
    }
    session->doorbell = descriptor_keep(welcome.doorbell);
    session->segment_length = (uint64_t) welcome.segment_length;
    bool may_spin = spare_cores_wanted();
    for (uint32_t i = 0; i < geometry.channels; i++) {
        char *bytes = (char *) session->segment + segment_channel_offset(&geometry, i);
        channel_init(&session->channel[i], bytes, &geometry, may_spin);
    }
    uint32_t for_handlers = geometry.channels > 1 ? 1 : 0;
    uint32_t for_threads = geometry.channels - for_handlers;
    pool_init(&session->threads, session->channel, for_threads);
    pool_init(&session->handlers, session->channel + for_threads, for_handlers);
    return 0;
}

static int make_session(const struct wish *wish, struct session **made)
{
    int error = fork_watch(forget_parents_session);
    if (error < 0) {
        return error;
    }
    size_t alignment = _Alignof(struct session);
    size_t length = (sizeof(struct session) + alignment - 1) / alignment * alignment;
    struct session *session = aligned_alloc(alignment, length);
    if (session == NULL) {
        return error_set(ENOMEM, "no memory for a session");
    }
    error = control_connect(&session->control);
    if (error < 0) {
        free(session);
        return error;
    }
    session->control.socket = descriptor_keep(session->control.socket);
    session->process = atomic_load(fork_process_number);
    session->socket = session->control.socket;
    session->references = 0;
    atomic_init(&session->dead, false);
    error = begin(session, wish);
    if (error < 0) {
        descriptor_drop(session->socket);
        free(session);
        return error;
    }
    session->next = sessions;
    sessions = session;
    *made = session;
    return 0;
}

static void unlink_session(struct session *session)
{
    for (struct session **link = &sessions; *link != NULL; link = &(*link)->next) {
        if (*link == session) {
            *link = session->next;
            return;
        }
    }
}

int session_acquire(struct session **session)
{
    if (current != NULL && (!session_is_ours(current) || !session_is_alive(current))) {
        session_release(current);
        current = NULL;
    }
    if (current == NULL) {
        int error = make_session(&for_threads_and_handlers, &current);
        if (error < 0) {
            current = NULL;
            return error;
        }
        current->references = 1;
    }
    current->references++;
    *session = current;
    return 0;
}

int session_make_queued(uint16_t depth, uint32_t arena_length, struct session **session)
{
    struct wish wish = {1, depth, arena_length};
    int error = make_session(&wish, session);
    if (error == 0) {
        (*session)->references = 1;
    }
    return error;
}

void session_release(struct session *session)
{
    if (--session->references > 0) {
        return;
    }
    unlink_session(session);
    if (session_is_ours(session)) {
        segment_unmap(session->segment, session->segment_length);
        descriptor_drop(session->doorbell);
        descriptor_drop(session->socket);
    } /* else the child has no mapping, and its descriptors are closed */
    free(session);
}

bool session_is_alive(struct session *session)
{
    if (atomic_load_explicit(&session->dead, memory_order_relaxed)) {
        return false;
    }
    /* not poll(): that would be a cancellation point */
    struct pollfd socket = {.fd = session->socket, .events = POLLRDHUP};
    struct timespec now = {0, 0};
    if (syscall(SYS_ppoll, &socket, 1, &now, NULL, 0) > 0) {
        atomic_store(&session->dead, true);
        return false;
    }
    return true;
}

void session_after_control(struct session *session)
{
    if (session->control.broken) {
        atomic_store(&session->dead, true);
    }
}

int session_gone(void)
{
    return error_set(ENOTCONN, "the broker is gone: open again when it is back");
}

void session_ring_doorbell(struct session *session)
{
    /*   client: publish the request | fence | read brokerParked | if 1: swap to 0, and ring
     *   broker: brokerParked = 1    | fence | look at the rings | if all are empty: sleep
     * Whichever fence comes first, either the client sees the flag or the broker the request. */
    _Atomic uint32_t *parked = &session->segment->broker_parked;
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(parked, memory_order_relaxed) != 0
        && atomic_exchange(parked, 0) != 0) {
        uint64_t one = 1;
        syscall(SYS_write, session->doorbell, &one, sizeof one);
    }
}
