#include "posix_aio_notify.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hook.h"

struct thread_call {
    void (*function)(union sigval);
    union sigval value;
};

static void *make_call(void *argument)
{
    struct thread_call call = *(struct thread_call *) argument;
    free(argument);
    call.function(call.value);
    return NULL;
}

static void call_in_thread(const struct sigevent *event)
{
    struct thread_call *call = malloc(sizeof *call);
    pthread_t thread;
    pthread_attr_t detached;
    sigset_t none;
    sigset_t before;
    if (call == NULL) {
        report_line("no memory to notify of an asynchronous request");
        return;
    }
    *call = (struct thread_call) {event->sigev_notify_function, event->sigev_value};
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_attr_t *attributes = event->sigev_notify_attributes;
    if (attributes == NULL) {
        attributes = &detached;
    }
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, &before); /* as threads of the C library's requests have it */
    if (pthread_create(&thread, attributes, make_call, call) != 0) {
        report_line("no thread to notify of an asynchronous request");
        free(call);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&detached);
}

void posix_aio_notify(const struct sigevent *event)
{
    if (event->sigev_notify == SIGEV_SIGNAL) {
        siginfo_t info;
        memset(&info, 0, sizeof info);
        info.si_signo = event->sigev_signo;
        info.si_code = SI_ASYNCIO;
        info.si_pid = getpid();
        info.si_uid = getuid();
        info.si_value = event->sigev_value;
        REAL(syscall)(SYS_rt_sigqueueinfo, getpid(), event->sigev_signo, &info);
    } else if (event->sigev_notify == SIGEV_THREAD) {
        call_in_thread(event);
    }
}

void posix_aio_leave_group(struct posix_aio_group *group)
{
    if (atomic_fetch_sub(&group->left, 1) == 1) {
        posix_aio_notify(&group->event);
        free(group);
    }
}
