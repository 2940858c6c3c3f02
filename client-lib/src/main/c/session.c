#include "session.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "connect.h"
#include "descriptor.h"
#include "error.h"
#include "futex.h"
#include "held.h"
#include "rbdw_protocol.h"
#include "segment.h"
#include "spare_cores.h"
#include "succession.h"
#include "system_call.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct session *sessions; /* all of this process */

void session_lock(void)
{
    held_begin();
    if (pthread_mutex_trylock(&lock) != 0) {
        held_let_end(); /* it is held while a session is made */
        pthread_mutex_lock(&lock);
    }
}

void session_unlock(void)
{
    pthread_mutex_unlock(&lock);
    held_end();
}

/* In a child. The parent's broker must see the end of the parent's socket even if the child lives
 * longer. The lock may have been held by a thread that the child does not have. */
static void forget_parents_session(void)
{
    pthread_mutex_init(&lock, NULL);
    for (struct session *session = sessions; session != NULL; session = session->next) {
        if (!session->is_buried) {
            descriptor_drop(session->socket);
            descriptor_drop(session->doorbell);
        }
    }
    sessions = NULL; /* not freed: the parent's threads may have been changing them */
    succession_forget();
}

__attribute__((constructor)) static void session_begin(void)
{
    int error = errno;
    fork_call_in_child(forget_parents_session);
    errno = error;
}

/* In a handler malloc may have been interrupted. */
static void *take_memory(size_t length)
{
    void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static size_t length_of(uint32_t channels)
{
    return sizeof(struct session) + channels * sizeof(struct channel);
}

static int begin(struct session *session, const struct session_wish *wish,
                 struct session_key before)
{
    struct welcome welcome;
    int error =
        control_hello(session->control, wish->channels, wish->depth, wish->arena_length, &welcome);
    if (error < 0) {
        return error;
    }
    struct segment_geometry geometry;
    error = segment_map(welcome.memory, welcome.segment_length, &session->segment, &geometry);
    close(welcome.memory);
    if (error == 0 && geometry.channels > wish->channels) {
        segment_unmap(session->segment, (uint64_t) welcome.segment_length);
        error = error_set(EPROTO, "the broker gives more channels than were asked for");
    }
    if (error < 0) {
        close(welcome.doorbell);
        return error;
    }
    session->doorbell = descriptor_keep(welcome.doorbell);
    session->segment_length = (uint64_t) welcome.segment_length;
    session->key = (struct session_key) {session->segment->generation, welcome.session_id};
    bool may_spin = spare_cores_wanted();
    for (uint32_t i = 0; i < geometry.channels; i++) {
        char *bytes = (char *) session->segment + segment_channel_offset(&geometry, i);
        channel_init(&session->channel[i], bytes, &geometry, may_spin);
    }
    uint32_t for_handlers = geometry.channels > 1 ? 1 : 0;
    uint32_t for_threads = geometry.channels - for_handlers;
    pool_init(&session->threads, session->channel, for_threads);
    pool_init(&session->handlers, session->channel + for_threads, for_handlers);
    error = control_resume(session->control, before.generation, before.id, &session->is_late);
    if (error < 0) {
        segment_unmap(session->segment, session->segment_length);
        descriptor_drop(session->doorbell);
    }
    return error;
}

static int connect_and_begin(struct session *session, const struct session_wish *wish,
                             struct session_key before)
{
    int error = connect_to_broker(wish->patience_ns, &session->control->socket);
    if (error < 0) {
        return error;
    }
    session->control->socket = descriptor_keep(session->control->socket);
    session->socket = session->control->socket;
    error = begin(session, wish, before);
    if (error < 0) {
        descriptor_drop(session->socket);
    }
    return error;
}

int session_make(const struct session_wish *wish, struct session_key before,
                 struct session **made)
{
    int error = fork_watch(forget_parents_session);
    if (error < 0) {
        return error;
    }
    struct session *session = take_memory(length_of(wish->channels));
    struct control *control = take_memory(sizeof *control);
    if (control != NULL) {
        control_init(control, -1);
    }
    if (session == NULL || control == NULL) {
        error = error_set(ENOMEM, "no memory for a session");
    } else {
        session->process = atomic_load(fork_process_number);
        session->wished_channels = wish->channels;
        session->control = control;
        error = connect_and_begin(session, wish, before);
    }
    if (error < 0) {
        if (session != NULL) {
            munmap(session, length_of(wish->channels));
        }
        if (control != NULL) {
            control_end(control);
            munmap(control, sizeof *control);
        }
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

void session_bury(struct session *session)
{
    if (session->is_buried) {
        return;
    }
    session->is_buried = true;
    if (session_is_ours(session)) {
        segment_unmap(session->segment, session->segment_length);
        descriptor_drop(session->doorbell);
        descriptor_drop(session->socket);
    } /* else the child has no mapping, and its descriptors are closed */
    control_end(session->control);
    munmap(session->control, sizeof *session->control);
    session->control = NULL;
}

void session_release(struct session *session)
{
    if (--session->references > 0 || session->is_buried) {
        return;
    }
    if (session_has_users(session)) {
        return; /* a call that was left midway, of which we know nothing yet, has one: its memory stays */
    }
    unlink_session(session);
    session_bury(session);
    munmap(session, length_of(session->wished_channels));
}

bool session_has_users(const struct session *session)
{
    uint32_t channels = session->threads.count + session->handlers.count;
    for (uint32_t i = 0; i < channels; i++) {
        uint32_t leased = atomic_load(&session->channel[i].leased);
        if (leased != 0 && leased != CHANNEL_ABANDONED) {
            return true;
        }
    }
    return atomic_load(&session->requests) != 0;
}

void session_wake_all(struct session *session)
{
    uint32_t channels = session->threads.count + session->handlers.count;
    for (uint32_t i = 0; i < channels; i++) {
        /* the broker may have taken the announcement, and ended before it woke anybody */
        _Atomic uint32_t *waiting = &session->channel[i].control->client_waiting;
        atomic_store(waiting, 0);
        futex_wake(waiting, INT32_MAX, FUTEX_SHARED);
    }
    pool_wake_all(&session->threads);
    pool_wake_all(&session->handlers);
}

bool session_is_alive(struct session *session)
{
    if (session_is_known_dead(session)) {
        return false;
    }
    struct pollfd socket = {.fd = session->socket, .events = POLLRDHUP};
    struct timespec now = {0, 0};
    if (system_call(SYS_ppoll, (long) &socket, 1, (long) &now, 0, 0, 0) > 0
        || !descriptor_is_intact(session->socket)) {
        atomic_store(&session->dead, true);
        return false;
    }
    return true;
}

void session_begin_request(struct session *session)
{
    atomic_fetch_add(&session->requests, 1);
}

void session_end_request(struct session *session)
{
    session_after_control(session);
    atomic_fetch_sub(&session->requests, 1);
}

void session_after_control(struct session *session)
{
    if (atomic_load(&session->control->broken)) {
        atomic_store(&session->dead, true);
    }
}

int session_gone(void)
{
    return error_set(ENOTCONN, "the broker is gone and has not come back in time");
}

void session_ring_doorbell(struct session *session)
{
    /*   client: publish the request | fence | read brokerParked | if not 0: ring, then n to 0
     *   broker: brokerParked = n    | fence | look at the rings | if all are empty: sleep
     * Whichever fence comes first, either the client sees the number or the broker the request.
     *
     * First the ring, so that nobody is ever left waiting for one that is still to come: a handler
     * that interrupts us in between waits for the broker itself, and may wait for other threads. */
    _Atomic uint32_t *parked = &session->segment->broker_parked;
    atomic_thread_fence(memory_order_seq_cst);
    uint32_t sleep = atomic_load_explicit(parked, memory_order_relaxed);
    if (sleep != 0) {
        uint64_t one = 1;
        if (descriptor_is_intact(session->doorbell)) {
            system_call(SYS_write, session->doorbell, (long) &one, sizeof one, 0, 0, 0);
        } else {
            /* the program has closed it past all hooks, and perhaps a file of its own has the number now */
            atomic_store(&session->dead, true);
        }
        atomic_compare_exchange_strong(parked, &sleep, 0); /* not where it sleeps anew */
    }
}
