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

/* A handler on top of us may do the same anywhere in these four, and may even leave us there by a jump: so what was
 * found is noted before the reason is, and forgotten after it was set again. */
static void defer(enum reason reason)
{
    int type = PTHREAD_CANCEL_DEFERRED;
    do {
        if (held.deferred == 0) {
            pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
            if (type != PTHREAD_CANCEL_DEFERRED) {
                held.cancel_type = type;
            }
            atomic_signal_fence(memory_order_seq_cst);
        }
        held.deferred |= reason;
        atomic_signal_fence(memory_order_seq_cst);
        /* once more where a handler in between has set the type again, and forgotten it */
    } while (type != PTHREAD_CANCEL_DEFERRED && held.cancel_type == PTHREAD_CANCEL_DEFERRED
             && (held.deferred &= (uint8_t) ~reason) == 0);
}

static void end_deferring(enum reason reason)
{
    held.deferred &= (uint8_t) ~reason;
    atomic_signal_fence(memory_order_seq_cst);
    if (held.deferred == 0 && held.cancel_type != PTHREAD_CANCEL_DEFERRED) {
        pthread_setcanceltype(held.cancel_type, NULL);
        atomic_signal_fence(memory_order_seq_cst);
        held.cancel_type = PTHREAD_CANCEL_DEFERRED;
    }
}

static void disable(enum reason reason)
{
    int state = PTHREAD_CANCEL_DISABLE;
    do {
        if (held.disabled == 0) {
            pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
            held.enables |= state == PTHREAD_CANCEL_ENABLE;
            atomic_signal_fence(memory_order_seq_cst);
        }
        held.disabled |= reason;
        atomic_signal_fence(memory_order_seq_cst);
    } while (state == PTHREAD_CANCEL_ENABLE && !held.enables
             && (held.disabled &= (uint8_t) ~reason) == 0);
}

static void end_disabling(enum reason reason)
{
    held.disabled &= (uint8_t) ~reason;
    atomic_signal_fence(memory_order_seq_cst);
    if (held.disabled == 0 && held.enables) {
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
        atomic_signal_fence(memory_order_seq_cst);
        held.enables = false;
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

/* A handler on top of the wait protects what it does as if nothing was below it. */
void held_begin_cancellable(void)
{
    end_disabling(BY_TAKEN);
    end_deferring(BY_TAKEN);
}

void held_end_cancellable(void)
{
    defer(BY_TAKEN);
    disable(BY_TAKEN);
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
