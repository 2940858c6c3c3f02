#include "held.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* In the block that a thread is born with: a signal handler may not have one made. */
static __thread struct {
    uint32_t depth;
    bool lets_end;
    sigset_t signals; /* before */
    uint32_t uncancelled;
    int cancel_type; /* before, as the next */
    int cancel_state;
} held __attribute__((tls_model("initial-exec")));

/* The type, too: where a thread has just made its state PTHREAD_CANCEL_DISABLE, glibc's signal for asynchronous
 * cancellation may still be on its way, and looks at the type alone when it arrives. */
void held_begin_uncancelled(void)
{
    int type;
    int state;
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    if (held.uncancelled++ == 0) {
        held.cancel_type = type;
        held.cancel_state = state;
    }
}

static void let_cancel(int type, int state)
{
    pthread_setcancelstate(state, NULL);
    if (type != PTHREAD_CANCEL_DEFERRED) {
        pthread_setcanceltype(type, NULL);
    }
}

void held_end_uncancelled(void)
{
    int type = held.cancel_type;
    int state = held.cancel_state;
    if (--held.uncancelled == 0) {
        let_cancel(type, state);
    }
}

void held_begin(void)
{
    if (held.depth > 0) {
        held.depth++;
        return;
    }
    sigset_t all;
    sigset_t before;
    held_begin_uncancelled();
    sigfillset(&all);
    sigdelset(&all, SIGSEGV); /* of an instruction of ours, which the kernel does not hold up */
    sigdelset(&all, SIGBUS);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    held.signals = before;
    held.lets_end = false;
    held.depth = 1;
}

void held_end(void)
{
    if (--held.depth > 0) {
        return;
    }
    sigset_t before = held.signals;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    held_end_uncancelled();
}

void held_begin_cancellable(void)
{
    if (held.uncancelled > 0) {
        let_cancel(held.cancel_type, held.cancel_state);
    }
}

void held_end_cancellable(void)
{
    if (held.uncancelled > 0) {
        pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    }
}

void held_let_end(void)
{
    if (held.depth == 0 || held.lets_end) {
        return;
    }
    int error = errno; /* the C library keeps two signals for itself: EINVAL */
    sigset_t held_up = held.signals;
    for (int signal = 1; signal < _NSIG; signal++) {
        struct sigaction action;
        if (signal != SIGSEGV && signal != SIGBUS && sigaction(signal, NULL, &action) == 0
            && action.sa_handler != SIG_DFL) {
            sigaddset(&held_up, signal);
        }
    }
    held.lets_end = true;
    pthread_sigmask(SIG_SETMASK, &held_up, NULL);
    errno = error;
}
