#include "fork.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "error.h"

static _Atomic uint32_t no_process; /* 0 until there is a page */
_Atomic uint32_t *fork_process_number = &no_process;

static uint32_t last_number; /* a child goes on where its parent was */
static void (*call_in_child)(void);

static void after_fork(void)
{
    atomic_store(fork_process_number, 0); /* where the kernel (before 4.14) has not done it */
    call_in_child();
}

void fork_call_in_child(void (*in_child)(void))
{
    if (call_in_child == NULL && pthread_atfork(NULL, NULL, after_fork) == 0) {
        call_in_child = in_child;
    }
}

static int make_page(void)
{
    size_t length = (size_t) sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return error_set(errno, "no memory for a session");
    }
    madvise(page, length, MADV_WIPEONFORK);
    fork_process_number = page;
    return 0;
}

int fork_watch(void (*in_child)(void))
{
    fork_call_in_child(in_child); /* another library's constructor may use an image before ours */
    if (call_in_child == NULL) {
        return error_set(ENOMEM, "no memory for a session");
    }
    if (fork_process_number == &no_process) {
        int error = make_page();
        if (error < 0) {
            return error;
        }
    }
    if (atomic_load(fork_process_number) == 0) {
        atomic_store(fork_process_number, ++last_number);
    }
    return 0;
}
