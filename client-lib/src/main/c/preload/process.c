#include "process.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hook.h"

/* The kernel clears it in a child with memory of its own, and leaves it in one that shares ours. */
static volatile pid_t *owner;

static pid_t this_process(void)
{
    return (pid_t) REAL(syscall)(SYS_getpid);
}

bool process_owns_memory(void)
{
    if (owner == NULL) {
        return true; /* another library's constructor runs before ours */
    }
    pid_t process = this_process();
    if (*owner == 0) {
        *owner = process;
    }
    return *owner == process;
}

__attribute__((constructor)) static void process_begin(void)
{
    int error = errno;
    size_t length = (size_t) sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED && madvise(page, length, MADV_WIPEONFORK) == 0) {
        owner = page;
        *owner = this_process();
    }
    errno = error;
}

/* The report of a program that ends without its destructors. A child of vfork ends this way too,
 * and what was counted is its parent's. */
HOOK void _exit(int status)
{
    if (report_is_wanted && process_owns_memory()) {
        report_print();
    }
    REAL(_exit)(status);
    __builtin_unreachable();
}

ALIAS(_Exit, _exit);
