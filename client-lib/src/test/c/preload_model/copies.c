/* Bytes that a program does not see: copy_file_range(2), sendfile(2), splice(2). */

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "runner.h"

#define PIPE_LENGTH 4096 /* bytes that a pipe takes at any rate */

/* Something: beyond RLIMIT_FSIZE the kernel refuses even to copy nothing. */
static void copy_range(struct runner *runner, const struct operation *operation)
{
    off_t from = operation->offset;
    off_t to = operation->seed % FILE_SIZE;
    bool_t by_position = operation->flags % 3 == 0;
    int in = runner->fds[operation->slot];
    int out = runner->fds[operation->other];
    size_t length = operation->length > 0 ? (size_t) operation->length : 1;
    off_t begin = by_position ? lseek(in, 0, SEEK_CUR) : from;
    ssize_t copied = copy_file_range(in, by_position ? NULL : &from, out, by_position ? NULL : &to,
                                     length, 0);
    /* nor does it see then that there is nothing to copy */
    bool_t is_at_end = copied < 0 && errno == EFBIG && begin >= FILE_SIZE;
    record(runner, is_at_end ? 0 : copied);
    note(runner, from);
    note(runner, to);
}

static void send(struct runner *runner, const struct operation *operation)
{
    int out = memfd_create("model", MFD_CLOEXEC);
    off_t offset = operation->offset;
    ssize_t sent = sendfile(out, runner->fds[operation->slot],
                            operation->flags % 2 == 0 ? NULL : &offset,
                            (size_t) operation->length);
    record(runner, sent);
    note(runner, offset);
    note_bytes(runner, runner->buffer, pread(out, runner->buffer, BUFFER_LENGTH, 0));
    close(out);
}

static void splice_from(struct runner *runner, const struct operation *operation, int pipes[2])
{
    off_t offset = operation->offset;
    ssize_t moved = splice(runner->fds[operation->slot],
                           operation->flags % 2 == 0 ? NULL : &offset, pipes[1], NULL,
                           (size_t) operation->length % PIPE_LENGTH, 0);
    record(runner, moved);
    note(runner, offset);
    if (moved > 0) {
        note_bytes(runner, runner->buffer, read(pipes[0], runner->buffer, PIPE_LENGTH));
    }
}

static void splice_to(struct runner *runner, const struct operation *operation, int pipes[2])
{
    off_t offset = operation->offset;
    size_t length = (size_t) operation->length % PIPE_LENGTH;
    fill_bytes(runner->buffer, length, operation->seed);
    if (write(pipes[1], runner->buffer, length) != (ssize_t) length) {
        record(runner, -1);
        return;
    }
    record(runner, splice(pipes[0], NULL, runner->fds[operation->slot],
                          operation->flags % 2 == 0 ? NULL : &offset, length, 0));
    note(runner, offset);
}

bool_t run_copy(struct runner *runner, const struct operation *operation)
{
    int pipes[2];
    switch (operation->kind) {
    case COPY_RANGE:
        copy_range(runner, operation);
        return 1;
    case SENDFILE:
        send(runner, operation);
        return 1;
    case SPLICE_IN:
    case SPLICE_OUT:
        if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0) {
            record(runner, -1);
            return 1;
        }
        if (operation->kind == SPLICE_IN) {
            splice_from(runner, operation, pipes);
        } else {
            splice_to(runner, operation, pipes);
        }
        close(pipes[0]);
        close(pipes[1]);
        return 1;
    default:
        return 0;
    }
}
