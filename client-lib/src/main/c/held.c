#include "held.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Why the thread's cancellation waits. */
enum reason { BY_STRETCH = 1, BY_TAKEN = 2 };

/* In the block that a thread is born with: a signal handler may not have one made. */
static __thread struct {
    uint32_t depth;
    bool lets_end;
    sigset_t signals; /* before */
    uint8_t deferred; /* the reasons why the type is PTHREAD_CANCEL_DEFERRED */
    uint8_t disabled; /* the reasons why the state is PTHREAD_CANCEL_DISABLE */
    bool enables;     /* it was not so before */
    int cancel_type;  /* before, unless it was so */
} held __attribute__((tls_model("initial-exec")));

/* A handler on top of us may do the same anywhere in these four, for BY_TAKEN: each leaves what it found, or what we
 * are about to do. */
static void defer(enum reason reason)
{
    if (held.deferred == 0) {
        int type;
        pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
        if (type != PTHREAD_CANCEL_DEFERRED) {
            held.cancel_type = type;
        }
        atomic_signal_fence(memory_order_seq_cst);
    }
    held.deferred |= reason;
}

static void end_deferring(enum reason reason)
{
    held.deferred &= (uint8_t) ~reason;
    atomic_signal_fence(memory_order_seq_cst);
    int type = held.cancel_type;
    if (held.deferred == 0 && type != PTHREAD_CANCEL_DEFERRED) {
        held.cancel_type = PTHREAD_CANCEL_DEFERRED;
        atomic_signal_fence(memory_order_seq_cst);
        pthread_setcanceltype(type, NULL);
    }
}

static void disable(enum reason reason)
{
    if (held.disabled == 0) {
        int state;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
        if (state == PTHREAD_CANCEL_ENABLE) {
            held.enables = true;
        }
        atomic_signal_fence(memory_order_seq_cst);
    }
    held.disabled |= reason;
}

static void end_disabling(enum reason reason)
{
    held.disabled &= (uint8_t) ~reason;
    atomic_signal_fence(memory_order_seq_cst);
    if (held.disabled == 0 && held.enables) {
        held.enables = false;
        atomic_signal_fence(memory_order_seq_cst);
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    }
}

void held_begin_deferred(void)
{
    defer(BY_TAKEN);
}

void held_end_deferred(void)
{
    end_deferring(BY_TAKEN);
}

void held_begin_uncancelled(void)
{
    disable(BY_TAKEN);
}

void held_end_uncancelled(void)
{
    end_disabling(BY_TAKEN);
}

void held_signals(sigset_t *signals)
{
    sigfillset(signals);
    sigdelset(signals, SIGSEGV);
    sigdelset(signals, SIGBUS);
}

/* The type, too: where a thread has just made its state PTHREAD_CANCEL_DISABLE, glibc's signal for asynchronous
 * cancellation may still be on its way, and looks at the type alone when it arrives. */
void held_begin(void)
{
    if (held.depth > 0) {
        held.depth++;
        return;
    }
    sigset_t all;
    sigset_t before;
    held_signals(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    defer(BY_STRETCH);
    disable(BY_STRETCH);
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
    end_disabling(BY_STRETCH);
    end_deferring(BY_STRETCH);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void held_begin_cancellable(void)
{
    if (held.enables) {
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    }
    if (held.cancel_type != PTHREAD_CANCEL_DEFERRED) {
        pthread_setcanceltype(held.cancel_type, NULL);
    }
}

void held_end_cancellable(void)
{
    if (held.cancel_type != PTHREAD_CANCEL_DEFERRED) {
        pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
    }
    if (held.enables) {
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
