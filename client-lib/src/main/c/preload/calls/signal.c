/* sigaction(2) and its kin, of the two signals that fault.h has. */

#include <signal.h>

#include "fault.h"
#include "hook.h"

HOOK int sigaction(int signal, const struct sigaction *action, struct sigaction *before)
{
    if (__builtin_expect(!fault_has(signal), true)) {
        return REAL(sigaction)(signal, action, before);
    }
    return (int) as_result(fault_set_action(signal, action, before));
}

ALIAS(__sigaction, sigaction);

static sighandler_t set_handler(int signal, sighandler_t handler, int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    struct sigaction before;
    if (handler == SIG_ERR) {
        errno = EINVAL;
        return SIG_ERR;
    }
    sigemptyset(&action.sa_mask);
    if ((flags & SA_NODEFER) == 0) {
        sigaddset(&action.sa_mask, signal);
    }
    return as_result(fault_set_action(signal, &action, &before)) < 0 ? SIG_ERR : before.sa_handler;
}

HOOK sighandler_t signal(int signal, sighandler_t handler)
{
    return fault_has(signal) ? set_handler(signal, handler, SA_RESTART)
                             : REAL(signal)(signal, handler);
}

ALIAS(bsd_signal, signal);
ALIAS(ssignal, signal);

HOOK sighandler_t __sysv_signal(int signal, sighandler_t handler)
{
    return fault_has(signal) ? set_handler(signal, handler, (int) SA_RESETHAND | SA_NODEFER)
                             : REAL(__sysv_signal)(signal, handler);
}

ALIAS(sysv_signal, __sysv_signal);
