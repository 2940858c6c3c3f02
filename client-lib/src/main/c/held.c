#include "held.h"

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
    int cancel_state; /* before */
} held __attribute__((tls_model("initial-exec")));

void held_begin_uncancelled(void)
{
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    if (held.uncancelled++ == 0) {
        held.cancel_state = state;
    }
}

void held_end_uncancelled(void)
{
    int state = held.cancel_state;
    if (--held.uncancelled == 0) {
        pthread_setcancelstate(state, NULL);
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
        pthread_setcancelstate(held.cancel_state, NULL);
    }
}

void held_end_cancellable(void)
{
    if (held.uncancelled > 0) {
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    }
}

void held_let_end(void)
{
    if (held.depth == 0 || held.lets_end) {
        return;
    }
    sigset_t held_up = held.signals;
    for (int signal = 1; signal < _NSIG; signal++) {
        struct sigaction action;
        if (sigaction(signal, NULL, &action) == 0 && action.sa_handler != SIG_DFL) {
            sigaddset(&held_up, signal);
        }
    }
    held.lets_end = true;
    pthread_sigmask(SIG_SETMASK, &held_up, NULL);
}
