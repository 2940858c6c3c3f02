/* Records what programs do to the files of a folder, so that a power loss can be played at any moment of it.
 *
 *     power_recorder FOLDER MARKS RECORDING PROGRAM [ARGUMENT...]
 *
 * FOLDER and MARKS are absolute and free of links; FOLDER is empty. All processes that PROGRAM starts are recorded with it, in one order.
 * What is written into the file MARKS is recorded as marks. Exits as PROGRAM does, or with 125.
 *
 * By ptrace, because Java's foreign functions find those of libc past a preload library; a seccomp filter picks the calls that matter, all
 * others run at full speed. */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorder.h"

#define EXIT_FAILED   125
#define MAX_CALLS     4096
#define SYSCALL_STOP  (SIGTRAP | 0x80)

static const int traced_calls[] = {
#ifdef SYS_open
    SYS_open,   SYS_creat,     SYS_mkdir,     SYS_rename,   SYS_unlink,   SYS_rmdir,    SYS_link,
    SYS_symlink,
#endif
    SYS_openat, SYS_openat2,   SYS_mkdirat,   SYS_renameat, SYS_renameat2, SYS_unlinkat, SYS_linkat,
    SYS_symlinkat, SYS_write,  SYS_pwrite64,  SYS_writev,   SYS_pwritev,  SYS_pwritev2, SYS_ftruncate,
    SYS_truncate,  SYS_fallocate, SYS_fsync,  SYS_fdatasync, SYS_mmap,    SYS_copy_file_range,
    SYS_splice, SYS_sendfile,
};

/* Calls under way, by thread. */
static struct {
    pid_t thread;
    struct call call;
} *calls[MAX_CALLS];

_Noreturn void fail(const char *format, ...)
{
    va_list arguments;

    fputs("power_recorder: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(EXIT_FAILED); /* and with us all whom we trace: PTRACE_O_EXITKILL */
}

static void install_filter(void)
{
    size_t count = sizeof(traced_calls) / sizeof(*traced_calls);
    struct sock_filter program[2 * sizeof(traced_calls) / sizeof(*traced_calls) + 2];
    size_t at = 0;

    program[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < count; i++) {
        program[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, traced_calls[i], 0, 1);
        program[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    }
    program[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog filter = {at, program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        fail("the filter of calls cannot be installed: %m");
}

static pid_t start(char **command)
{
    int ready[2];

    if (pipe(ready) != 0)
        fail("pipe: %m");
    pid_t child = fork();
    if (child < 0)
        fail("fork: %m");
    if (child == 0) {
        char byte;
        close(ready[1]);
        if (read(ready[0], &byte, 1) != 1)
            _exit(EXIT_FAILED);
        close(ready[0]);
        install_filter();
        execvp(command[0], command);
        fail("%s cannot be started: %m", command[0]);
    }
    close(ready[0]);
    long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
        PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SEIZE, child, 0, options) != 0)
        fail("process %d cannot be traced: %m", child);
    if (write(ready[1], "x", 1) != 1)
        fail("pipe: %m");
    close(ready[1]);
    return child;
}

static int slot_of(pid_t thread)
{
    int free_slot = -1;

    for (int i = 0; i < MAX_CALLS; i++) {
        if (calls[i] == NULL) {
            if (free_slot < 0)
                free_slot = i;
            break; /* the used ones come first */
        }
        if (calls[i]->thread == thread)
            return i;
    }
    if (free_slot < 0)
        fail("more than %d threads", MAX_CALLS);
    calls[free_slot] = calloc(1, sizeof(**calls));
    if (calls[free_slot] == NULL)
        fail("no memory for a thread");
    calls[free_slot]->thread = thread;
    return free_slot;
}

static void forget(pid_t thread)
{
    for (int i = 0; i < MAX_CALLS && calls[i] != NULL; i++) {
        if (calls[i]->thread == thread) {
            int last = i;
            while (last + 1 < MAX_CALLS && calls[last + 1] != NULL)
                last++;
            free(calls[i]->call.data);
            free(calls[i]);
            calls[i] = calls[last];
            calls[last] = NULL;
            return;
        }
    }
}

/* False: the thread is gone, killed in the stop that was reported. */
static bool look(pid_t thread, struct __ptrace_syscall_info *info)
{
    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(*info), info) > 0)
        return true;
    if (errno != ESRCH)
        fail("a call of thread %d is not known: %m", thread);
    return false;
}

/* Returns how the thread goes on. */
static int on_entry(pid_t thread)
{
    struct __ptrace_syscall_info info;

    if (!look(thread, &info))
        return PTRACE_CONT;
    struct call *call = &calls[slot_of(thread)]->call;
    memset(call, 0, sizeof(*call));
    call->number = info.seccomp.nr;
    for (int i = 0; i < 6; i++)
        call->arguments[i] = info.seccomp.args[i];
    calls_enter(thread, call);
    return call->watched ? PTRACE_SYSCALL : PTRACE_CONT;
}

static void on_exit_of_call(pid_t thread)
{
    struct __ptrace_syscall_info info;

    if (look(thread, &info) && info.op == PTRACE_SYSCALL_INFO_EXIT)
        calls_exit(thread, &calls[slot_of(thread)]->call, info.exit.rval);
}

static void on_stop(pid_t thread, int status)
{
    int signal_number = WSTOPSIG(status), event = status >> 16;
    int how = PTRACE_CONT;
    long deliver = 0;

    if (event == PTRACE_EVENT_SECCOMP)
        how = on_entry(thread);
    else if (event == PTRACE_EVENT_STOP && signal_number != SIGTRAP)
        how = PTRACE_LISTEN;
    else if (signal_number == SYSCALL_STOP)
        on_exit_of_call(thread);
    else if (event == 0)
        deliver = signal_number;
    if (ptrace(how, thread, 0, deliver) != 0 && errno != ESRCH)
        fail("thread %d cannot go on: %m", thread);
}

int main(int argc, char **argv)
{
    int exit_code = EXIT_FAILED;

    if (argc < 5) {
        fputs("usage: power_recorder FOLDER MARKS RECORDING PROGRAM [ARGUMENT...]\n", stderr);
        return 2;
    }
    calls_watch(argv[1], argv[2]);
    recording_open(argv[3]);
    pid_t first = start(argv + 4);
    while (true) {
        int status;
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0 && errno == ECHILD)
            break;
        if (thread < 0)
            fail("waitpid: %m");
        if (WIFSTOPPED(status)) {
            on_stop(thread, status);
        } else {
            forget(thread);
            if (thread == first)
                exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
        }
    }
    mappings_look();
    recording_close();
    return exit_code;
}
