#include "held.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* In the block that a thread is born with: a signal handler may not have one made. */
static __thread struct {
    uint32_t depth;
    bool lets_end;
    int cancel_state; /* before */
    sigset_t signals; /* likewise */
} held __attribute__((tls_model("initial-exec")));

void held_begin(void)
{
    if (held.depth > 0) {
        held.depth++;
        return;
    }
    int state;
    sigset_t all;
    sigset_t before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    held.cancel_state = state;
    held.signals = before;
    held.lets_end = false;
    held.depth = 1;
}

void held_end(void)
{
    if (--held.depth > 0) {
        return;
    }
    int state = held.cancel_state;
    sigset_t before = held.signals;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_setcancelstate(state, NULL);
}

void held_let_end(void)
{
    if (held.lets_end) {
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
