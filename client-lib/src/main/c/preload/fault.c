#include "fault.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "held.h"
#include "hook.h"
#include "process.h"
#include "system_call.h"
#include "user_copy.h"

/* What the program has set. Writers take turns by the counter. A handler may run while another thread writes, and
 * waits for it; a writer has both signals blocked, so that no handler interrupts it. */
struct wish {
    _Atomic uint32_t changes; /* odd while it is written */
    struct sigaction action;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t fork_is_watched = PTHREAD_ONCE_INIT;
static struct wish of_segv;
static struct wish of_bus;
static atomic_bool is_watched;

static struct wish *wish_of(int signal)
{
    return signal == SIGSEGV ? &of_segv : &of_bus;
}

static struct sigaction read_wish(struct wish *wish)
{
    struct sigaction action;
    uint32_t before;
    do {
        before = atomic_load(&wish->changes);
        memcpy(&action, (const void *) &wish->action, sizeof action);
        atomic_thread_fence(memory_order_acquire);
    } while (before % 2 != 0 || atomic_load(&wish->changes) != before);
    return action;
}

static void write_wish(struct wish *wish, const struct sigaction *action)
{
    uint32_t before = atomic_load(&wish->changes);
    while (before % 2 != 0 || !atomic_compare_exchange_weak(&wish->changes, &before, before + 1)) {
        before = atomic_load(&wish->changes);
    }
    memcpy(&wish->action, action, sizeof *action);
    atomic_store(&wish->changes, before + 2);
}

/* True where it was a copy, which ends there. */
static bool ends_copy(ucontext_t *interrupted)
{
#if defined(__x86_64__)
    greg_t *registers = interrupted->uc_mcontext.gregs;
    if (registers[REG_RIP] == (greg_t) (uintptr_t) user_copy_at) {
        registers[REG_RIP] = (greg_t) (uintptr_t) user_copy_after;
        return true;
    }
#else
    (void) interrupted;
#endif
    return false;
}

static bool has_handler(const struct sigaction *action)
{
    return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

/* The signal does what it does by default once we return: the instruction faults again, or who sent it does so
 * again. */
static void do_default(int signal, bool was_sent)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    REAL(sigaction)(signal, &action, NULL);
    if (was_sent) {
        system_call(SYS_tgkill, getpid(), system_call(SYS_gettid, 0, 0, 0, 0, 0, 0), signal, 0, 0, 0);
    }
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
    bool was_sent = info->si_code <= 0;
    if (!was_sent && ends_copy(context)) {
        return;
    }
    struct wish *wish = wish_of(signal);
    struct sigaction action = read_wish(wish);
    if (!has_handler(&action)) {
        if (action.sa_handler == SIG_DFL || !was_sent) { /* a fault cannot be ignored */
            do_default(signal, was_sent);
        }
        return;
    }
    if ((action.sa_flags & (int) SA_RESETHAND) != 0) {
        struct sigaction none = {.sa_handler = SIG_DFL};
        write_wish(wish, &none);
    }
    if ((action.sa_flags & SA_SIGINFO) != 0) {
        action.sa_sigaction(signal, info, context);
    } else {
        action.sa_handler(signal);
    }
}

/* What the kernel is to do so that the program's handler runs as it has asked for. */
static struct sigaction in_its_place(const struct sigaction *wanted)
{
    struct sigaction ours = {.sa_sigaction = on_signal,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    if (has_handler(wanted)) {
        ours.sa_flags = (wanted->sa_flags | SA_SIGINFO) & ~(int) SA_RESETHAND;
        ours.sa_mask = wanted->sa_mask;
    }
    return ours;
}

static void after_fork(void)
{
    pthread_mutex_init(&lock, NULL); /* a thread that the child does not have may have had it */
    of_segv.changes += of_segv.changes % 2;
    of_bus.changes += of_bus.changes % 2;
}

static void watch_fork(void)
{
    pthread_atfork(NULL, NULL, after_fork);
}

/* A stretch does not block these two. */
static void begin_change(sigset_t *mask)
{
    sigset_t both;
    held_begin();
    sigemptyset(&both);
    sigaddset(&both, SIGSEGV);
    sigaddset(&both, SIGBUS);
    pthread_sigmask(SIG_BLOCK, &both, mask);
    pthread_mutex_lock(&lock);
}

static void end_change(const sigset_t *mask)
{
    pthread_mutex_unlock(&lock);
    pthread_sigmask(SIG_SETMASK, mask, NULL);
    held_end();
}

/* Under the lock. */
static void take(int signal)
{
    struct sigaction before;
    if (REAL(sigaction)(signal, NULL, &before) == 0) {
        struct sigaction ours = in_its_place(&before);
        write_wish(wish_of(signal), &before);
        REAL(sigaction)(signal, &ours, NULL);
    }
}

void fault_watch(void)
{
    if (atomic_load_explicit(&is_watched, memory_order_acquire) || !process_owns_memory()) {
        return;
    }
    int error = errno;
    pthread_once(&fork_is_watched, watch_fork);
    sigset_t mask;
    begin_change(&mask);
    if (!atomic_load(&is_watched)) {
        take(SIGSEGV);
        take(SIGBUS);
        atomic_store(&is_watched, true);
    }
    end_change(&mask);
    errno = error;
}

bool fault_has(int signal)
{
    return (signal == SIGSEGV || signal == SIGBUS)
           && atomic_load_explicit(&is_watched, memory_order_acquire) && process_owns_memory();
}

int fault_set_action(int signal, const struct sigaction *action, struct sigaction *before)
{
    struct wish *wish = wish_of(signal);
    int error = 0;
    sigset_t mask;
    begin_change(&mask);
    struct sigaction was = read_wish(wish);
    if (action != NULL) {
        struct sigaction wanted = *action;
        struct sigaction ours = in_its_place(&wanted);
        write_wish(wish, &wanted);
        error = REAL(sigaction)(signal, &ours, NULL) < 0 ? -errno : 0;
    }
    end_change(&mask);
    if (error == 0 && before != NULL) {
        *before = was;
    }
    return error;
}
