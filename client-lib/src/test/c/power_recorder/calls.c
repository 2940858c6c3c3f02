/* What the calls of the traced programs do to the files of the watched folder. An effect is recorded at the call's exit: whatever is
 * recorded before the beginning of a sync was done before it. Calls that are not known here and come near the folder end the recording.
 * msync and sync_file_range are left out: to rely on less is always right. */

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "recorder.h"

#define MAX_PARTS 64

static const char *watched_folder;
static const char *marks_file;
static uint64_t syncs;

void calls_watch(const char *folder, const char *marks)
{
    watched_folder = folder;
    marks_file = marks;
}

static bool is_watched(const char *path)
{
    size_t length = strlen(watched_folder);

    return strncmp(path, watched_folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static uint64_t inode_at(const char *path)
{
    struct stat status;

    if (lstat(path, &status) != 0)
        fail("%s: %m", path);
    return status.st_ino;
}

static void take_data(pid_t thread, struct call *call, bool is_vector)
{
    struct iovec parts[MAX_PARTS] = {{(void *)call->arguments[1], call->arguments[2]}};
    size_t count = 1;

    if (is_vector) {
        count = call->arguments[2];
        if (count > MAX_PARTS)
            fail("a write of %zu parts", count);
        tracee_memory(thread, call->arguments[1], parts, count * sizeof(*parts));
    }
    for (size_t i = 0; i < count; i++)
        call->length += parts[i].iov_len;
    call->data = malloc(call->length + 1);
    if (call->data == NULL)
        fail("no memory for a write of %zu bytes", call->length);
    size_t at = 0;
    for (size_t i = 0; i < count; at += parts[i].iov_len, i++)
        tracee_memory(thread, (uint64_t)parts[i].iov_base, call->data + at, parts[i].iov_len);
}

static void enter_open(pid_t thread, struct call *call, int folder, uint64_t path, int flags)
{
    tracee_path(thread, folder, path, call->path, sizeof(call->path));
    call->watched = is_watched(call->path);
    call->creates = call->watched && (flags & O_CREAT) != 0 && access(call->path, F_OK) != 0;
}

static void enter_paths(pid_t thread, struct call *call, int folder, uint64_t path, int other_folder, uint64_t other_path)
{
    tracee_path(thread, folder, path, call->path, sizeof(call->path));
    call->watched = is_watched(call->path);
    if (other_path != 0) {
        tracee_path(thread, other_folder, other_path, call->other_path, sizeof(call->other_path));
        if (is_watched(call->other_path) != call->watched)
            fail("%s and %s: one is watched, the other is not", call->path, call->other_path);
    }
}

static void enter_descriptor(pid_t thread, struct call *call)
{
    tracee_path_of(thread, call->arguments[0], call->path, sizeof(call->path));
    call->is_mark = strcmp(call->path, marks_file) == 0;
    call->watched = call->is_mark || is_watched(call->path);
}

/* What nobody does to the folder's files so far. */
static void enter_unknown(pid_t thread, struct call *call)
{
    const uint64_t *a = call->arguments;

    switch (call->number) {
#ifdef SYS_open
    case SYS_link:
    case SYS_symlink:
        tracee_path(thread, AT_FDCWD, a[1], call->path, sizeof(call->path));
        break;
#endif
    case SYS_linkat:
        tracee_path(thread, a[2], a[3], call->path, sizeof(call->path));
        break;
    case SYS_symlinkat:
        tracee_path(thread, a[1], a[2], call->path, sizeof(call->path));
        break;
    case SYS_truncate:
        tracee_path(thread, AT_FDCWD, a[0], call->path, sizeof(call->path));
        break;
    case SYS_openat2:
        tracee_path(thread, a[0], a[1], call->path, sizeof(call->path));
        break;
    case SYS_copy_file_range:
    case SYS_splice:
        tracee_path_of(thread, a[2], call->path, sizeof(call->path));
        break;
    default: /* sendfile */
        tracee_path_of(thread, a[0], call->path, sizeof(call->path));
    }
    if (is_watched(call->path))
        fail("call %ld of %s is not known", call->number, call->path);
}

static void enter(pid_t thread, struct call *call)
{
    const uint64_t *a = call->arguments;

    switch (call->number) {
#ifdef SYS_open
    case SYS_open:
        enter_open(thread, call, AT_FDCWD, a[0], a[1]);
        break;
    case SYS_creat:
        enter_open(thread, call, AT_FDCWD, a[0], O_CREAT | O_WRONLY | O_TRUNC);
        break;
    case SYS_mkdir:
    case SYS_unlink:
    case SYS_rmdir:
        enter_paths(thread, call, AT_FDCWD, a[0], 0, 0);
        break;
    case SYS_rename:
        enter_paths(thread, call, AT_FDCWD, a[0], AT_FDCWD, a[1]);
        break;
#endif
    case SYS_openat:
        enter_open(thread, call, a[0], a[1], a[2]);
        break;
    case SYS_mkdirat:
    case SYS_unlinkat:
        enter_paths(thread, call, a[0], a[1], 0, 0);
        break;
    case SYS_renameat:
    case SYS_renameat2:
        enter_paths(thread, call, a[0], a[1], a[2], a[3]);
        break;
    case SYS_write:
    case SYS_pwrite64:
    case SYS_writev:
    case SYS_pwritev:
    case SYS_pwritev2:
        enter_descriptor(thread, call);
        if (call->watched)
            take_data(thread, call, call->number != SYS_write && call->number != SYS_pwrite64);
        break;
    case SYS_ftruncate:
    case SYS_fallocate:
    case SYS_fsync:
    case SYS_fdatasync:
        enter_descriptor(thread, call);
        break;
    case SYS_mmap:
        if ((a[3] & MAP_SHARED) != 0 && (a[2] & PROT_WRITE) != 0 && (int)a[4] >= 0) {
            tracee_path_of(thread, a[4], call->path, sizeof(call->path));
            call->watched = is_watched(call->path);
        }
        break;
    default:
        enter_unknown(thread, call);
    }
}

void calls_enter(pid_t thread, struct call *call)
{
    enter(thread, call);
    if (!call->watched)
        return;
    mappings_look();
    if (call->number == SYS_fsync || call->number == SYS_fdatasync) {
        call->sync = ++syncs;
        record((struct event){
            .kind = EVENT_SYNC_BEGIN, .inode = tracee_inode_of(thread, call->arguments[0]), .a = call->sync});
    }
}

static void exit_open(pid_t thread, struct call *call, int fd, int flags)
{
    uint64_t inode = tracee_inode_of(thread, fd);

    if (call->creates) {
        record((struct event){.kind = EVENT_CREATE, .inode = inode, .path = call->path});
    } else if ((flags & O_TRUNC) != 0) {
        record((struct event){.kind = EVENT_SIZE, .inode = inode, .a = 0});
        mappings_reload(inode);
    }
}

static void exit_write(pid_t thread, struct call *call, size_t written)
{
    if (call->is_mark) {
        record((struct event){.kind = EVENT_MARK, .data = call->data, .length = written});
        return;
    }
    int fd = call->arguments[0];
    bool positioned = call->number != SYS_write && call->number != SYS_writev;
    uint64_t position = positioned ? call->arguments[3] : tracee_position_of(thread, fd) - written;
    uint64_t inode = tracee_inode_of(thread, fd);
    record((struct event){
        .kind = EVENT_WRITE, .inode = inode, .a = position, .data = call->data, .length = written});
    mappings_reload(inode);
}

static void exit_allocate(struct call *call, uint64_t inode)
{
    uint64_t mode = call->arguments[1], position = call->arguments[2], length = call->arguments[3];

    if (mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
        record((struct event){.kind = EVENT_ZERO, .inode = inode, .a = position, .b = length});
    else if (mode == 0)
        record((struct event){.kind = EVENT_ALLOCATE, .inode = inode, .a = position + length});
    else if (mode != FALLOC_FL_KEEP_SIZE) /* which takes space alone: what is read stays the same */
        fail("fallocate of mode %d is not known", (int)mode);
}

void calls_exit(pid_t thread, struct call *call, int64_t result)
{
    if (!call->watched || result < 0)
        goto out; /* what fails has done nothing */
    int fd = call->arguments[0];
    switch (call->number) {
#ifdef SYS_open
    case SYS_open:
        exit_open(thread, call, result, call->arguments[1]);
        break;
    case SYS_creat:
        exit_open(thread, call, result, O_TRUNC);
        break;
    case SYS_mkdir:
    case SYS_rename:
    case SYS_unlink:
    case SYS_rmdir:
#endif
    case SYS_mkdirat:
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_unlinkat: {
        bool makes = call->number == SYS_mkdirat;
#ifdef SYS_mkdir
        makes |= call->number == SYS_mkdir;
#endif
        if (makes)
            record((struct event){
                .kind = EVENT_MAKE_FOLDER, .inode = inode_at(call->path), .path = call->path});
        else if (call->other_path[0] != '\0')
            record((struct event){
                .kind = EVENT_RENAME, .path = call->path, .other_path = call->other_path});
        else
            record((struct event){.kind = EVENT_UNLINK, .path = call->path});
        break;
    }
    case SYS_openat:
        exit_open(thread, call, result, call->arguments[2]);
        break;
    case SYS_ftruncate:
        record((struct event){
            .kind = EVENT_SIZE, .inode = tracee_inode_of(thread, fd), .a = call->arguments[1]});
        mappings_reload(tracee_inode_of(thread, fd));
        break;
    case SYS_fallocate:
        exit_allocate(call, tracee_inode_of(thread, fd));
        mappings_reload(tracee_inode_of(thread, fd));
        break;
    case SYS_fsync:
    case SYS_fdatasync:
        record((struct event){.kind = EVENT_SYNC_END, .a = call->sync});
        break;
    case SYS_mmap:
        mappings_add(call->path, tracee_inode_of(thread, call->arguments[4]));
        break;
    default:
        exit_write(thread, call, result);
    }
out:
    free(call->data);
    call->data = NULL;
}
