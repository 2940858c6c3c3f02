/* Has a thread of its own make a call again and again until it leaves one of them midway: it is cancelled there, or a
 * signal handler jumps out of it or ends the thread. For programs that compare what such calls leave behind. */

#ifndef LEAVING_H
#define LEAVING_H

#include <err.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

enum leaving { LEAVING_CANCELLED, LEAVING_CANCELLED_AT_ONCE, LEAVING_BY_JUMP, LEAVING_ENDED, LEAVINGS };

struct leaver {
    enum leaving way;
    void (*call)(void *argument);
    void *argument;
    atomic_bool has_begun;
    sigjmp_buf target;
};

static __thread struct leaver *volatile leaving_now;

static void leaving_handle(int signal)
{
    (void) signal;
    struct leaver *leaver = leaving_now;
    if (leaver == NULL) {
        return;
    }
    leaving_now = NULL;
    if (leaver->way == LEAVING_BY_JUMP) {
        siglongjmp(leaver->target, 1);
    }
    pthread_exit(NULL);
}

static void *leaving_run(void *argument)
{
    struct leaver *leaver = argument;
    pthread_setcanceltype(leaver->way == LEAVING_CANCELLED_AT_ONCE ? PTHREAD_CANCEL_ASYNCHRONOUS
                                                                   : PTHREAD_CANCEL_DEFERRED,
                          NULL);
    if (sigsetjmp(leaver->target, 1) == 0) {
        leaving_now = leaver;
        atomic_store(&leaver->has_begun, true);
        while (true) {
            leaver->call(leaver->argument);
            pthread_testcancel();
        }
    }
    leaver->call(leaver->argument); /* who has jumped can go on */
    return NULL;
}

/* microseconds: after its first call has begun. The call must fail alike however often it is made. */
static void leave_midway(enum leaving way, unsigned microseconds, void (*call)(void *argument), void *argument)
{
    struct leaver leaver = {.way = way, .call = call, .argument = argument};
    struct sigaction action = {.sa_handler = leaving_handle};
    pthread_t thread;
    if (sigaction(SIGUSR1, &action, NULL) < 0 || pthread_create(&thread, NULL, leaving_run, &leaver) != 0) {
        err(2, "a thread that leaves");
    }
    while (!atomic_load(&leaver.has_begun)) {
        usleep(20);
    }
    usleep(microseconds);
    if (way == LEAVING_CANCELLED || way == LEAVING_CANCELLED_AT_ONCE) {
        pthread_cancel(thread);
    } else {
        pthread_kill(thread, SIGUSR1);
    }
    pthread_join(thread, NULL);
}

#endif
