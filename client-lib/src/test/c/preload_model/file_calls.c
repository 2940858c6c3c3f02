/* The file as a whole: what it is, its size and space, durability, its names. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner.h"

static void note_stat(struct runner *runner, int result, const struct stat *status)
{
    record(runner, result);
    if (result == 0) {
        note(runner, status->st_mode & S_IFMT);
        note(runner, S_ISLNK(status->st_mode) ? 0 : status->st_size);
        note(runner, (int64_t) status->st_nlink);
    }
}

static void stat_file(struct runner *runner, const struct operation *operation)
{
    struct stat status;
    struct statx more;
    int fd = runner->fds[operation->slot];
    const char *path = spelling(runner, operation);
    int follow = operation->flags % 2 == 0 ? 0 : AT_SYMLINK_NOFOLLOW;
    switch (operation->kind) {
    case FSTAT:
        note_stat(runner, fstat(fd, &status), &status);
        break;
    case STAT:
        note_stat(runner, follow == 0 ? stat(path, &status) : lstat(path, &status), &status);
        break;
    case FSTATAT:
        note_stat(runner,
                  operation->flags % 3 == 0 ? fstatat(fd, "", &status, AT_EMPTY_PATH)
                                            : fstatat(AT_FDCWD, path, &status, follow),
                  &status);
        break;
    default:
        record(runner, operation->flags % 3 == 0
                           ? statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &more)
                           : statx(AT_FDCWD, path, follow, STATX_SIZE | STATX_TYPE, &more));
        if (runner->outcome->result == 0) {
            note(runner, more.stx_mode & S_IFMT);
            note(runner, S_ISLNK(more.stx_mode) ? 0 : (int64_t) more.stx_size);
        }
        break;
    }
}

static void make_durable(struct runner *runner, const struct operation *operation)
{
    int fd = runner->fds[operation->slot];
    switch (operation->kind) {
    case FSYNC:
        record(runner, fsync(fd));
        break;
    case FDATASYNC:
        record(runner, fdatasync(fd));
        break;
    case SYNC_RANGE:
        record(runner, sync_file_range(fd, operation->offset, operation->length,
                                       (unsigned) operation->flags % 8));
        break;
    default:
        record(runner, syncfs(fd));
        break;
    }
}

/* Shorter than it is an image has a logical end, but not another size: preload/truncation.c. So both are given
 * their own length. */
static void set_size(struct runner *runner, const struct operation *operation)
{
    int64_t size = operation->offset;
    if (size >= 0 && size < FILE_SIZE) {
        size = FILE_SIZE;
    }
    record(runner, operation->kind == FTRUNCATE
                       ? ftruncate(runner->fds[operation->slot], size)
                       : truncate(spelling(runner, operation), size));
}

/* An image has no room beyond its end, of which a plain file could have some. */
static void allocate(struct runner *runner, const struct operation *operation)
{
    int fd = runner->fds[operation->slot];
    bool_t is_beyond = operation->offset >= 0 && operation->length > 0
                       && operation->offset + operation->length > FILE_SIZE;
    int flags = fcntl(fd, F_GETFL);
    bool_t is_writable = flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
    bool_t punches = (operation->flags & FALLOC_FL_PUNCH_HOLE) != 0;
    if (operation->kind == FALLOCATE && !(is_beyond && is_writable && !punches)) {
        record(runner, fallocate(fd, operation->flags, operation->offset, operation->length));
    } else if (operation->kind == FALLOCATE) {
        if (runner->world->is_image) {
            record(runner, fallocate(fd, operation->flags, operation->offset, operation->length));
        } else {
            record_error(runner, ENOSPC);
        }
    } else {
        int error = posix_fallocate(fd, operation->offset, operation->length);
        note(runner, error == EFBIG ? ENOSPC : error);
    }
}

static void control(struct runner *runner, const struct operation *operation)
{
    static const unsigned long requests[] = {FIOCLEX, FIONCLEX, FIONREAD, FIONBIO, TCGETS};
    int number = operation->flags % 7 == 0;
    char answer[256] = {0};
    memcpy(answer, &number, sizeof number);
    unsigned long request = requests[operation->flags % 5];
    record(runner, ioctl(runner->fds[operation->slot], request, answer));
    memcpy(&number, answer, sizeof number);
    note(runner, request == FIONREAD ? number : 0);
}

static void look_at_name(struct runner *runner, const struct operation *operation)
{
    char path[PATH_MAX];
    const char *name = spelling(runner, operation);
    if (operation->kind == READLINK) {
        ssize_t length = readlink(name, path, sizeof path);
        record(runner, length < 0 ? -1 : 0);
        note(runner, length > 0 && strncmp(path, runner->world->path, (size_t) length) == 0);
        return;
    }
    char *found = realpath(name, path);
    record(runner, found == NULL ? -1 : 0);
    note(runner, found != NULL && strcmp(found, runner->world->path) == 0);
}

/* What a program may not do to an image it may do to a plain file. */
static void try_refused(struct runner *runner, const struct operation *operation)
{
    char other[PATH_MAX];
    const char *path = spelling(runner, operation);
    if (!runner->world->is_image || operation->other % SPELLINGS == 5) {
        record_error(runner, EPERM); /* a link may be removed */
        return;
    }
    snprintf(other, sizeof other, "%s/other", runner->world->directory);
    switch (operation->flags % 4) {
    case 0:
        record(runner, unlink(path));
        break;
    case 1:
        record(runner, rename(path, other));
        break;
    case 2:
        record(runner, unlinkat(AT_FDCWD, path, 0));
        break;
    default:
        record(runner, renameat(AT_FDCWD, path, AT_FDCWD, other));
        break;
    }
}

/* Into the file's folder and out of it. */
static void visit_folder(struct runner *runner, const struct operation *operation)
{
    char path[PATH_MAX];
    struct stat status;
    if (operation->flags % 2 == 0) {
        record(runner, chdir(runner->world->directory));
    } else {
        int directory = open(runner->world->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        record(runner, fchdir(directory));
        close(directory);
    }
    note(runner, getcwd(path, sizeof path) != NULL && strcmp(path, runner->world->directory) == 0);
    note(runner, stat(runner->world->name, &status));
    note(runner, status.st_size);
    int fd = open(runner->world->name, O_RDONLY | O_CLOEXEC);
    note(runner, fd);
    note_bytes(runner, runner->buffer, read(fd, runner->buffer, 1000));
    close(fd);
    note(runner, access(runner->world->name, R_OK | W_OK));
    note(runner, chdir("/tmp"));
}

static void move(struct runner *runner, const struct operation *operation)
{
    int fd = runner->fds[operation->slot];
    record(runner, operation->kind == LSEEK
                       ? lseek(fd, operation->offset, operation->flags)
                       : syscall(SYS_lseek, fd, operation->offset, operation->flags));
}

bool_t run_file_call(struct runner *runner, const struct operation *operation)
{
    switch (operation->kind) {
    case FSTAT:
    case STAT:
    case FSTATAT:
    case STATX:
        stat_file(runner, operation);
        return 1;
    case ACCESS:
        record(runner, access(spelling(runner, operation), operation->flags % 4 * 2));
        return 1;
    case FSYNC:
    case FDATASYNC:
    case SYNC_RANGE:
    case SYNCFS:
        make_durable(runner, operation);
        return 1;
    case FTRUNCATE:
    case TRUNCATE:
        set_size(runner, operation);
        return 1;
    case FALLOCATE:
    case POSIX_FALLOCATE:
        allocate(runner, operation);
        return 1;
    case FADVISE:
        note(runner, posix_fadvise(runner->fds[operation->slot], operation->offset,
                                   operation->length, operation->flags % 8));
        return 1;
    case IOCTL:
        control(runner, operation);
        return 1;
    case READLINK:
    case REALPATH:
        look_at_name(runner, operation);
        return 1;
    case REFUSED:
        try_refused(runner, operation);
        return 1;
    case CHDIR:
        visit_folder(runner, operation);
        return 1;
    case LSEEK:
    case RAW_SEEK:
        move(runner, operation);
        return 1;
    default:
        return 0;
    }
}
