/* fcntl(2), flock(2) and lockf(3). */

#include <stdarg.h>
#include <sys/file.h>
#include <unistd.h>

#include "duplicate.h"
#include "hook.h"
#include "locks.h"

/* Those that F_SETFL changes. */
#define SETTABLE (O_APPEND | O_ASYNC | O_DIRECT | O_NOATIME | O_NONBLOCK)

static int set_flags(struct open_file *file, long flags)
{
    uint32_t before = atomic_load(&file->state->flags);
    uint32_t after;
    do {
        after = (before & ~(uint32_t) SETTABLE) | ((uint32_t) flags & SETTABLE);
    } while (!atomic_compare_exchange_weak(&file->state->flags, &before, after));
    return 0;
}

static long control(struct open_file *file, int command, void *argument)
{
    switch (command) {
    case F_GETFL:
        return (long) atomic_load(&file->state->flags);
    case F_SETFL:
        return set_flags(file, (long) argument);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return lock_records(file, command, argument);
    case F_GETLEASE:
        return F_UNLCK;
    case F_GETOWN:
    case F_SETOWN:
        return 0; /* nobody is signalled: an image is always ready */
    case F_SETLEASE:
        return -EAGAIN;
    case F_NOTIFY:
        return -ENOTDIR;
    case F_GETPIPE_SZ:
    case F_SETPIPE_SZ:
        return -EBADF;
    default:
        report_fell_through(CALL_fcntl);
        return -EINVAL;
    }
}

/* What belongs to the number and not to what it stands for, the kernel does. */
static bool is_of_number(int command)
{
    return command == F_GETFD || command == F_SETFD;
}

HOOK int fcntl(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
        struct open_file *number = descriptor_enter_number(fd);
        if (number == NULL) {
            return REAL(fcntl)(fd, command, argument);
        }
        report_count(CALL_fcntl);
        return duplicate_note(number, REAL(fcntl)(fd, command, argument));
    }
    if ((command == F_SETLKW || command == F_OFD_SETLKW) && descriptor_is_image(fd)) {
        pthread_testcancel();
    }
    struct open_file *file = is_of_number(command) ? NULL : descriptor_enter(fd);
    if (file == NULL) {
        return REAL(fcntl)(fd, command, argument);
    }
    return (int) leave(file, CALL_fcntl, control(file, command, argument));
}

ALIAS(fcntl64, fcntl);
ALIAS(__fcntl, fcntl);

HOOK int flock(int fd, int operation)
{
    struct open_file *file = descriptor_enter(fd);
    if (file == NULL) {
        return REAL(flock)(fd, operation);
    }
    return (int) leave(file, CALL_flock, lock_whole(file, operation));
}

static int lock_from_position(struct open_file *file, int command, off_t length)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_len = length};
    int error;
    switch (command) {
    case F_TEST:
        lock.l_type = F_RDLCK;
        error = lock_records(file, F_GETLK, &lock);
        return error < 0 ? error : lock.l_type == F_UNLCK || lock.l_pid == getpid() ? 0 : -EACCES;
    case F_ULOCK:
        lock.l_type = F_UNLCK;
        return lock_records(file, F_SETLK, &lock);
    case F_LOCK:
        return lock_records(file, F_SETLKW, &lock);
    case F_TLOCK:
        return lock_records(file, F_SETLK, &lock);
    default:
        return -EINVAL;
    }
}

HOOK int lockf(int fd, int command, off_t length)
{
    if (command == F_LOCK && descriptor_is_image(fd)) {
        pthread_testcancel();
    }
    struct open_file *file = descriptor_enter(fd);
    if (file == NULL) {
        return REAL(lockf)(fd, command, length);
    }
    return (int) leave(file, CALL_lockf, lock_from_position(file, command, length));
}

ALIAS(lockf64, lockf);
