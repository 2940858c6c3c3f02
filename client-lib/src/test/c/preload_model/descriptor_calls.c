/* Descriptors: what makes, copies and closes them, what fcntl(2) says of them, locks, readiness. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner.h"

const char *spelling(const struct runner *runner, const struct operation *operation)
{
    static char path[4096];
    const struct world *world = runner->world;
    switch (operation->other % SPELLINGS) {
    case 1:
        snprintf(path, sizeof path, "%s//%s", world->directory, world->name);
        break;
    case 2:
        snprintf(path, sizeof path, "%s/./%s", world->directory, world->name);
        break;
    case 3:
        snprintf(path, sizeof path, "%s/../%s/%s", world->directory,
                 strrchr(world->directory, '/') + 1, world->name);
        break;
    case 4:
        snprintf(path, sizeof path, "..%s", world->path); /* from a folder below the root */
        break;
    case 5:
        return world->link;
    default:
        return world->path;
    }
    return path;
}

static void put_in_slot(struct runner *runner, int slot, int fd)
{
    if (runner->fds[slot] >= 0 && runner->fds[slot] != fd) {
        close(runner->fds[slot]);
    }
    runner->fds[slot] = fd;
}

static int open_at(const struct runner *runner, const struct operation *operation, int flags)
{
    if (operation->other % 2 == 0) {
        return openat(AT_FDCWD, spelling(runner, operation), flags, 0600);
    }
    int directory = open(runner->world->directory, O_RDONLY | O_DIRECTORY);
    int fd = openat(directory, runner->world->name, flags, 0600);
    int error = errno;
    close(directory);
    errno = error;
    return fd;
}

static void open_slot(struct runner *runner, const struct operation *operation)
{
    int flags = flags_for(operation->flags);
    int fd = -1;
    if (operation->kind == CREAT) {
        fd = open(spelling(runner, operation), O_WRONLY | O_CREAT, 0600);
    } else if (operation->kind == OPEN) {
        fd = open(spelling(runner, operation), flags, 0600);
    } else {
        fd = open_at(runner, operation, flags);
    }
    record(runner, fd);
    if (fd >= 0) {
        put_in_slot(runner, operation->slot, fd);
    }
}

static void close_slot(struct runner *runner, const struct operation *operation)
{
    record(runner, close(runner->fds[operation->slot]));
    runner->fds[operation->slot] = -1;
}

static int copy_slot(const struct runner *runner, const struct operation *operation)
{
    int fd = runner->fds[operation->slot];
    int other = runner->fds[operation->other];
    int target = other >= 0 ? other : 50 + operation->other;
    switch (operation->kind) {
    case DUP:
        return dup(fd);
    case DUP2:
        return dup2(fd, target);
    case DUP3:
        return dup3(fd, target, operation->flags);
    default:
        return fcntl(fd, operation->flags % 2 == 0 ? F_DUPFD : F_DUPFD_CLOEXEC, 40);
    }
}

static void duplicate(struct runner *runner, const struct operation *operation)
{
    int copy = copy_slot(runner, operation);
    bool_t replaces = operation->kind == DUP2 || operation->kind == DUP3;
    record(runner, copy);
    if (copy >= 0 && replaces) {
        runner->fds[operation->other] = copy; /* what was there is closed */
    } else if (copy >= 0) {
        put_in_slot(runner, operation->other, copy);
    }
}

static void close_some(struct runner *runner, const struct operation *operation)
{
    int first = runner->fds[operation->slot];
    int last = runner->fds[operation->other];
    unsigned flags = operation->flags % 3 == 0 ? CLOSE_RANGE_CLOEXEC : 0;
    if (first < 0) {
        return;
    }
    int result = close_range((unsigned) first, (unsigned) (last < 0 ? first : last), flags);
    record(runner, result);
    for (int i = 0; i < SLOTS && result == 0 && flags == 0; i++) {
        if (runner->fds[i] >= first && runner->fds[i] <= (last < 0 ? first : last)) {
            runner->fds[i] = -1;
        }
    }
}

static struct flock lock_of(const struct operation *operation)
{
    static const short types[] = {F_RDLCK, F_WRLCK, F_WRLCK, F_UNLCK};
    struct flock lock = {
        .l_type = types[operation->flags % 4],
        .l_whence = (short) (operation->flags / 4 % 3),
        .l_start = operation->offset,
        .l_len = operation->length % 3 == 0 ? 0 : operation->length,
    };
    if (lock.l_whence != SEEK_SET) {
        lock.l_start -= FILE_SIZE / 2;
    }
    return lock;
}

static void note_lock(struct runner *runner, const struct flock *lock, pid_t holder)
{
    note(runner, lock->l_type);
    note(runner, lock->l_whence);
    note(runner, lock->l_start);
    note(runner, lock->l_len);
    note(runner, lock->l_type != F_UNLCK && lock->l_pid == holder);
}

/* Of a child, for a process does not meet its own locks. */
static void get_lock(struct runner *runner, const struct operation *operation)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        struct flock lock = lock_of(operation);
        int result = fcntl(runner->fds[operation->slot], F_GETLK, &lock);
        record(runner, result); /* the outcome is shared memory */
        if (result == 0) {
            note_lock(runner, &lock, parent);
        }
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

static void lock_slot(struct runner *runner, const struct operation *operation)
{
    static const int flocks[] = {LOCK_SH, LOCK_EX, LOCK_UN};
    struct flock lock = lock_of(operation);
    int fd = runner->fds[operation->slot];
    switch (operation->kind) {
    case LOCK:
        record(runner, fcntl(fd, F_SETLK, &lock));
        break;
    case OFD_LOCK:
        record(runner, fcntl(fd, F_OFD_SETLK, &lock));
        break;
    default:
        record(runner, flock(fd, flocks[operation->flags % 3] | LOCK_NB));
        break;
    }
}

static void poll_slots(struct runner *runner)
{
    struct pollfd set[SLOTS];
    for (int i = 0; i < SLOTS; i++) {
        set[i] = (struct pollfd) {runner->fds[i], i % 2 == 0 ? POLLIN | POLLOUT : POLLIN, 0};
    }
    record(runner, poll(set, SLOTS, 0));
    for (int i = 0; i < SLOTS; i++) {
        note(runner, set[i].revents);
    }
}

static void select_slots(struct runner *runner)
{
    fd_set in;
    fd_set out;
    struct timeval none = {0, 0};
    FD_ZERO(&in);
    FD_ZERO(&out);
    for (int i = 0; i < SLOTS; i++) {
        if (runner->fds[i] >= 0) {
            FD_SET(runner->fds[i], i % 2 == 0 ? &in : &out);
        }
    }
    record(runner, select(FD_SETSIZE, &in, &out, NULL, &none));
    note_bytes(runner, &in, sizeof in);
    note_bytes(runner, &out, sizeof out);
}

static void get_or_set(struct runner *runner, const struct operation *operation)
{
    int fd = runner->fds[operation->slot];
    switch (operation->kind) {
    case GET_FD:
        record(runner, fcntl(fd, F_GETFD));
        break;
    case SET_FD:
        record(runner, fcntl(fd, F_SETFD, operation->flags % 2));
        break;
    case GET_FL:
        record(runner, fcntl(fd, F_GETFL));
        break;
    default:
        record(runner, fcntl(fd, F_SETFL, operation->flags));
        break;
    }
}

bool_t run_descriptor_call(struct runner *runner, const struct operation *operation)
{
    switch (operation->kind) {
    case OPEN:
    case OPENAT:
    case CREAT:
        open_slot(runner, operation);
        return 1;
    case CLOSE:
        close_slot(runner, operation);
        return 1;
    case DUP:
    case DUP2:
    case DUP3:
    case F_DUP:
        duplicate(runner, operation);
        return 1;
    case CLOSE_RANGE:
        close_some(runner, operation);
        return 1;
    case GET_FD:
    case SET_FD:
    case GET_FL:
    case SET_FL:
        get_or_set(runner, operation);
        return 1;
    case LOCK:
    case OFD_LOCK:
    case FLOCK:
        lock_slot(runner, operation);
        return 1;
    case GET_LOCK:
        get_lock(runner, operation);
        return 1;
    case POLL:
        poll_slots(runner);
        return 1;
    case SELECT:
        select_slots(runner);
        return 1;
    default:
        return 0;
    }
}
