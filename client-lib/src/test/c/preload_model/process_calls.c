/* Children that share what the sequence has open: fork, fork and exec, vfork and exec, posix_spawn. */

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner.h"

/* Its position moves, and the file's bytes change; 7 bits say what was seen. */
static int use_as_child(int fd)
{
    unsigned char bytes[700];
    uint32_t seen = 17;
    ssize_t done = read(fd, bytes, sizeof bytes);
    seen = seen * 31 + (uint32_t) (done < 0 ? -errno : done);
    seen = seen * 31 + checksum(bytes, done > 0 ? (size_t) done : 0);
    seen = seen * 31 + (uint32_t) lseek(fd, 100, SEEK_CUR);
    fill_bytes(bytes, sizeof bytes, seen);
    done = write(fd, bytes, 300);
    seen = seen * 31 + (uint32_t) (done >= 0 ? done : errno == EFBIG ? ENOSPC : errno);
    seen = seen * 31 + (uint32_t) fcntl(fd, F_GETFL);
    return (int) (seen % 127);
}

int world_run_as_child(int fd)
{
    return use_as_child(fd);
}

static void await_child(struct runner *runner, pid_t child)
{
    int status = 0;
    record(runner, child < 0 || waitpid(child, &status, 0) != child ? -1 : 0);
    note(runner, status);
}

static void exec_self(const struct runner *runner, int fd)
{
    char number[16];
    snprintf(number, sizeof number, "%d", fd);
    execl(runner->world->program, runner->world->program, "--child", number, (char *) NULL);
    _exit(126);
}

static void run_forked(struct runner *runner, const struct operation *operation)
{
    int fd = runner->fds[operation->slot];
    pid_t child = fork();
    if (child == 0) {
        if (operation->kind == EXEC) {
            exec_self(runner, fd);
        }
        int seen = use_as_child(fd);
        close(fd);
        _exit(seen + use_as_child(runner->fds[operation->other]) / 2);
    }
    await_child(runner, child);
}

/* What the child closes its parent has still. */
static void run_vforked(struct runner *runner, const struct operation *operation)
{
    int fd = runner->fds[operation->slot];
    int other = runner->fds[operation->other];
    char number[16];
    snprintf(number, sizeof number, "%d", operation->flags % 3 == 0 ? 0 : fd);
    const char *program = runner->world->program;
    pid_t child = vfork();
    if (child == 0) {
        if (operation->flags % 3 == 0) {
            dup2(fd, 0);
        }
        if (other >= 0 && other != fd) {
            close(other);
        }
        execl(program, program, "--child", number, (char *) NULL);
        _exit(126);
    }
    await_child(runner, child);
}

static void run_spawned(struct runner *runner, const struct operation *operation)
{
    posix_spawn_file_actions_t actions;
    char number[16];
    const char *program = runner->world->program;
    int fd = runner->fds[operation->slot];
    pid_t child = -1;
    posix_spawn_file_actions_init(&actions);
    snprintf(number, sizeof number, "%d", operation->flags % 3 == 2 ? fd : 0);
    if (operation->flags % 3 == 0) {
        posix_spawn_file_actions_adddup2(&actions, fd, 0);
    } else if (operation->flags % 3 == 1) {
        posix_spawn_file_actions_addopen(&actions, 0, runner->world->path, O_RDWR, 0600);
    }
    char *arguments[] = {(char *) program, (char *) "--child", number, NULL};
    int error = posix_spawn(&child, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        record_error(runner, error);
    } else {
        await_child(runner, child);
    }
}

bool_t run_process_call(struct runner *runner, const struct operation *operation)
{
    switch (operation->kind) {
    case FORK:
    case EXEC:
        run_forked(runner, operation);
        return 1;
    case VFORK:
        run_vforked(runner, operation);
        return 1;
    case SPAWN:
        run_spawned(runner, operation);
        return 1;
    default:
        return 0;
    }
}
