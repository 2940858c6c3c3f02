#include "succession.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "futex.h"
#include "held.h"
#include "run_dirs.h"

#define FIRST_PAUSE_NS INT64_C(10000000)
#define LONGEST_PAUSE_NS INT64_C(200000000)
#define LOOK_NS INT64_C(50000000)
#define FOR_EVER_NS INT64_MAX
#define LIMIT "RBDW_RECONNECT_TIMEOUT"

/* A program that begins while a broker is replaced waits for the next one, as those do that are there;
 * but not for ever where the broker has died and nobody starts another. One that had a session waits as
 * long as those that have files open: it may just have closed its last. */
#define FIRST_BROKER_NS INT64_C(10000000000)

/* Who still has a channel then is under a handler that takes its time: others need not wait for it. */
#define USERS_NS INT64_C(1000000000)

/* Four channels and one for signal handlers. */
static const struct session_wish for_threads_and_handlers = {5, 64, 1024 * 1024, 0};

/* The least that there is, to tell a broker something that it can do without. One that has just come
 * up may take a second and more on a host with too much to do. */
#define TELL_NS INT64_C(3000000000)
static const struct session_wish for_nothing = {1, 2, 64 * 1024, TELL_NS};

/* More at a time are forgotten: then unmap takes what those had open to be in use. */
#define MAX_UNTOLD 16

enum state { OPEN, LOST, REPLAYING, CLOSING };

/* Under the session's lock. */
static enum state state;
static struct session *current; /* NULL before the first */
static struct session_key left;  /* of one that nobody follows yet, though its files are closed */
static struct session_key untold[MAX_UNTOLD]; /* queues' that are closed, of which no broker has heard */
static uint32_t replays;
static uint32_t eras; /* sessions that took new requests */

/* A broker since the last that took new requests has said that we are late. It may end before all threads
 * have heard of it, and the one after it does not know what they still have without an answer. */
static bool is_late;

static struct rbdw_file *_Atomic files; /* each store leaves a list that a child can read */

static atomic_bool had_session;      /* also the process that this is a child of */
static _Atomic uint32_t is_stepping; /* by whose token (taken.h) a thread takes the next step, or 0 */
static _Atomic uint32_t steps;       /* futex: changes when something has */
static void (*_Atomic call_others)(void);

static void announce(void)
{
    atomic_fetch_add(&steps, 1);
    futex_wake(&steps, INT32_MAX, FUTEX_PRIVATE);
}

void succession_forget(void)
{
    state = OPEN;
    current = NULL;
    left = (struct session_key) {0, 0};
    memset(untold, 0, sizeof untold);
    replays = 0;
    eras = 0;
    is_late = false;
    atomic_store(&is_stepping, 0);
}

void succession_watch_others(void (*others_return)(void))
{
    atomic_store(&call_others, others_return);
}

void succession_others_return(void)
{
    void (*others_return)(void) = atomic_load(&call_others);
    if (others_return != NULL) {
        others_return();
    }
}

/* A number of seconds in the decimal system, which may have a fraction, whatever the program's locale
 * has for a point. Negative where it is none. */
static int64_t seconds_ns(const char *text)
{
    int64_t ns = 0;
    int64_t unit = INT64_C(1000000000); /* of a digit; 0 behind the last that counts */
    bool is_fraction = false;
    bool has_digits = false;
    for (; *text != '\0'; text++) {
        if (*text == '.' && !is_fraction) {
            is_fraction = true;
            continue;
        }
        if (*text < '0' || *text > '9') {
            return -1;
        }
        int digit = *text - '0';
        has_digits = true;
        if (is_fraction) {
            unit /= 10;
            ns = ns < FOR_EVER_NS - digit * unit ? ns + digit * unit : FOR_EVER_NS;
        } else {
            ns = ns < (FOR_EVER_NS - digit * unit) / 10 ? ns * 10 + digit * unit : FOR_EVER_NS;
        }
    }
    return has_digits ? ns : -1;
}

/* For ever where it is not set; negative where it is no number. */
static int64_t limit_ns(void)
{
    const char *text = getenv(LIMIT);
    return text == NULL || *text == '\0' ? FOR_EVER_NS : seconds_ns(text);
}

/* Before the first broker: who waits for the next one later has nobody to say it to. */
static int check_limit(void)
{
    return limit_ns() >= 0
               ? 0
               : error_set(EINVAL, LIMIT " is %s: it must be a number of seconds, as 30 or 0.5",
                           getenv(LIMIT));
}

static void pause_for(int64_t ns)
{
    held_let_end();
    futex_pause(ns);
}

struct attempts succession_first_attempt(void)
{
    return (struct attempts) {futex_now_ns(), FIRST_PAUSE_NS};
}

bool succession_try_again(struct attempts *attempts, int error)
{
    if (error == -EPROTONOSUPPORT
        || futex_now_ns() - attempts->began_ns > limit_ns() - attempts->pause_ns) {
        return false;
    }
    pause_for(attempts->pause_ns);
    attempts->pause_ns = 2 * attempts->pause_ns < LONGEST_PAUSE_NS ? 2 * attempts->pause_ns
                                                                   : LONGEST_PAUSE_NS;
    return true;
}

bool succession_await_broker(struct attempts *attempts, int error, bool had_one)
{
    bool none = error == -ECONNREFUSED || error == -ENOTCONN; /* or one that has just ended */
    if (!none || session_is_nested(0)) {
        return false;
    }
    bool for_ever = atomic_load(&had_session);
    bool expected = had_one
                    || ((for_ever || futex_now_ns() - attempts->began_ns < FIRST_BROKER_NS)
                        && run_dirs_have_socket());
    return expected && succession_try_again(attempts, error);
}

void succession_add_file(struct rbdw_file *file)
{
    file->next = atomic_load(&files);
    atomic_store(&files, file);
}

void succession_remove_file(struct rbdw_file *file)
{
    struct rbdw_file *before = atomic_load(&files);
    if (before == file) {
        atomic_store(&files, file->next);
        return;
    }
    while (before->next != file) {
        before = before->next;
    }
    before->next = file->next;
}

static bool is_to_follow(const struct rbdw_file *file)
{
    return session_is_ours(atomic_load(&file->session)) && atomic_load(&file->failure) == 0;
}

/* Under the lock: all that was not answered is answered, as there is nothing. */
static int end_empty_replay(struct session *session)
{
    int error = control_send_replay_done(session->control);
    if (error == 0) {
        error = control_await_replay_done(session->control);
    }
    session_after_control(session);
    return error;
}

static bool tell_end(struct session_key key)
{
    struct session *last;
    /* its end is that of the one which was left; ReplayDone would wait for others */
    if (session_make(&for_nothing, key, &last) < 0) {
        return false;
    }
    last->references = 1;
    session_release(last);
    return true;
}

/* Under the lock. There is a broker now. */
static void tell_ends(void)
{
    for (unsigned i = 0; i < MAX_UNTOLD; i++) {
        if (untold[i].generation != 0 && tell_end(untold[i])) {
            untold[i].generation = 0;
        }
    }
}

void succession_end_for(struct session_key key)
{
    if (tell_end(key)) {
        return;
    }
    for (unsigned i = 0; i < MAX_UNTOLD; i++) {
        if (untold[i].generation == 0) {
            untold[i] = key;
            return;
        }
    }
}

/* Under the lock. The session before had no files. */
static int make_current(void)
{
    struct session_key before = left;
    int error = check_limit();
    if (error == 0) {
        error = session_make(&for_threads_and_handlers, before, &current);
    }
    if (error < 0) {
        current = NULL;
        return error;
    }
    current->references = 1;
    atomic_store(&had_session, true);
    if (before.generation != 0) {
        error = end_empty_replay(current);
        if (error < 0) {
            session_release(current);
            current = NULL;
        }
    }
    if (error == 0) {
        current->era = eras++;
        left = (struct session_key) {0, 0};
        tell_ends();
    }
    return error;
}

/* Under the lock. False where files are on their way to the next session, or have to go there. */
static bool leave_if_dead(void)
{
    if (state != OPEN) {
        return false;
    }
    if (current != NULL && !session_is_alive(current)) {
        if (current->references > 1) {
            return false;
        }
        left = current->key;
        session_release(current);
        current = NULL;
    }
    return true;
}

int succession_acquire(struct session **session)
{
    if (!leave_if_dead()) {
        return SUCCESSION_LOST;
    }
    if (current == NULL) {
        int error = make_current();
        if (error < 0) {
            return error;
        }
    }
    current->references++;
    *session = current;
    return 0;
}

bool succession_is_current(struct session *session)
{
    return state == OPEN && current == session && session_is_alive(session);
}

void succession_end_absence(void)
{
    if (leave_if_dead() && current == NULL && left.generation != 0 && tell_end(left)) {
        left = (struct session_key) {0, 0};
    }
}

/* No thread has a channel any more, or none that we should wait for. */
static void await_users(struct session *dead)
{
    int64_t began_ns = futex_now_ns();
    session_wake_all(dead);
    while (session_has_users(dead) && futex_now_ns() - began_ns < USERS_NS) {
        pause_for(FIRST_PAUSE_NS / 10);
    }
}

/* Under the lock. False where that broker is gone as well. */
static bool open_files(struct session *next)
{
    for (struct rbdw_file *file = atomic_load(&files); file != NULL; file = file->next) {
        if (!is_to_follow(file)) {
            continue;
        }
        int error =
            control_open_again(next->control, &file->source, &file->id, &file->next_handle);
        if (error == 0) {
            error = file_keep_end(file, next->control, file->next_handle);
            if (error < 0 && session_is_alive(next)) {
                control_close(next->control, file->next_handle);
            }
        }
        session_after_control(next);
        if (!session_is_alive(next)) {
            return false;
        }
        file->next_session = next;
        if (error < 0) {
            atomic_store(&file->failure, -error);
        }
    }
    return true;
}

/* Under the lock: a session that goes on from dead, with all files open. */
static int make_next(struct session_key *before, struct session **next)
{
    int error = session_make(&for_threads_and_handlers, *before, next);
    if (error < 0) {
        return error;
    }
    (*next)->references = 1;
    (*next)->era = eras;
    is_late |= (*next)->is_late;
    (*next)->is_late = is_late;
    if (!open_files(*next)) {
        *before = (*next)->key;
        session_release(*next);
        return session_gone();
    }
    return 0;
}

/* Nobody came in time. */
static void give_up(struct session_key last)
{
    left = last;
    for (struct rbdw_file *file = atomic_load(&files); file != NULL; file = file->next) {
        if (is_to_follow(file)) {
            atomic_store(&file->failure, ENOTCONN);
        }
    }
    current = NULL;
    is_late = false;
    state = OPEN;
}

static void go_on_from(struct session *dead)
{
    struct attempts attempts = succession_first_attempt();
    struct session_key before = dead->key;
    struct session *next;
    int error;
    await_users(dead);
    if (!session_has_users(dead)) {
        session_lock();
        session_bury(dead);
        session_unlock();
    }
    do {
        session_lock();
        error = make_next(&before, &next);
        if (error == 0) {
            current = next;
            state = REPLAYING;
        }
        session_unlock();
    } while (error < 0 && succession_try_again(&attempts, error));
    if (error < 0) {
        session_lock();
        give_up(before);
        session_unlock();
    }
}

static void close_replay(struct session *session)
{
    succession_others_return();
    held_begin(); /* who left it here would leave CLOSING behind, and the answer */
    int error = control_send_replay_done(session->control);
    if (error == 0) {
        error = control_await_replay_done(session->control);
    }
    session_lock();
    if (error < 0) {
        atomic_store(&session->dead, true);
        state = LOST;
    } else {
        state = OPEN;
        eras++;
        tell_ends();
        is_late = false;
        for (struct rbdw_file *file = atomic_load(&files); file != NULL; file = file->next) {
            if (is_to_follow(file) && file->next_session == session) {
                atomic_store_explicit(&file->handle, file->next_handle, memory_order_relaxed);
                atomic_store_explicit(&file->session, session, memory_order_release);
                session->references++;
            }
        }
    }
    session_unlock();
    held_end();
}

static void take_step(void)
{
    uint32_t seen = atomic_load(&steps);
    session_lock();
    struct session *session = current;
    bool is_dead = session != NULL && !session_is_alive(session);
    if (is_dead && (state == OPEN || state == REPLAYING)) {
        state = LOST;
    } else if (state == REPLAYING && replays == 0) {
        state = CLOSING;
    }
    enum state now = state;
    session_unlock();
    if (now == LOST) {
        go_on_from(session);
    } else if (now == CLOSING) {
        close_replay(session);
    } else if (now == REPLAYING) {
        futex_wait(&steps, seen, LOOK_NS, FUTEX_PRIVATE);
    }
}

static void stop_stepping(struct taken *taken)
{
    uint32_t ours = taken->token;
    if (atomic_compare_exchange_strong(&is_stepping, &ours, 0)) {
        announce();
    }
}

/* Takes the next step, or waits for who does. */
static void step_or_wait(uint32_t seen)
{
    struct taken_mark mark;
    uint32_t nobody = 0;
    session_begin_following(&mark);
    struct taken *step = taken_push(NULL, TAKEN_OTHER, stop_stepping, NULL);
    if (step != NULL && atomic_compare_exchange_strong(&is_stepping, &nobody, step->token)) {
        take_step();
        stop_stepping(step);
    } else {
        held_let_end();
        futex_wait(&steps, seen, LOOK_NS, FUTEX_PRIVATE);
    }
    taken_pop(step);
    session_end_following();
}

/* Whether there is nothing to wait for. */
static bool is_usable(const struct rbdw_file *file, int *error)
{
    if (file == NULL) {
        session_lock();
        bool usable =
            state == OPEN && (current == NULL || current->references == 1 || session_is_alive(current));
        session_unlock();
        return usable;
    }
    struct session *session = atomic_load(&file->session);
    int failure = atomic_load(&file->failure);
    if (failure == ENOTCONN) {
        *error = session_gone();
    } else if (failure != 0) {
        *error = error_set(failure, "%s cannot be opened again with the broker that came",
                           file->path);
    }
    return failure != 0 || !session_is_ours(session) || !session_is_known_dead(session);
}

int succession_await_open(const struct rbdw_file *file)
{
    int error = 0;
    while (true) {
        uint32_t seen = atomic_load(&steps);
        if (is_usable(file, &error)) {
            return error;
        }
        step_or_wait(seen);
    }
}

void succession_await_rest(void)
{
    while (true) {
        uint32_t seen = atomic_load(&steps);
        session_lock();
        bool moves = state == REPLAYING || state == CLOSING;
        session_unlock();
        if (!moves) {
            return;
        }
        step_or_wait(seen);
    }
}

/* from: that it is counted. */
static void end_replay(struct taken *taken)
{
    session_lock();
    replays -= taken->from != 0;
    taken->from = 0;
    session_unlock();
    announce();
}

bool succession_begin_replay(const struct session *lost_on)
{
    struct taken *replay = taken_push(NULL, TAKEN_OTHER, end_replay, NULL);
    session_lock();
    bool in_time = current == lost_on || state == LOST || state == REPLAYING;
    /* a thread that was under a handler for long: another session has been OPEN meanwhile */
    in_time &= lost_on->era + 1 >= eras;
    in_time &= replay != NULL;
    if (in_time) {
        replays++;
        replay->from = 1;
    }
    session_unlock();
    if (!in_time) {
        taken_pop(replay);
    }
    return in_time;
}

int succession_await_replay(const struct rbdw_file *file, const struct session *lost_on,
                            struct session **session)
{
    while (true) {
        uint32_t seen = atomic_load(&steps);
        session_lock();
        bool is_there = state == REPLAYING && current != lost_on;
        *session = current;
        session_unlock();
        if (atomic_load(&file->failure) == ENOTCONN) {
            return session_gone();
        }
        if (is_there) {
            return 0;
        }
        step_or_wait(seen);
    }
}

void succession_end_replay(void)
{
    struct taken *replay = taken_find(end_replay, NULL);
    if (replay != NULL) {
        end_replay(replay);
        taken_pop(replay);
    }
}
