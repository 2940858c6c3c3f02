/* sendfile(2) and splice(2) where an image is on either side. Unlike copy_file_range(2) these may
 * have a pipe or a socket on the other. */

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy_ends.h"
#include "held.h"

static int is_ready(int fd, short events, int timeout)
{
    struct pollfd one = {fd, events, 0};
    int result = REAL(poll)(&one, 1, timeout);
    return result < 0 ? -errno : result;
}

/* The kernel writes no more at once than fits, and a program that itself empties the pipe counts on
 * that. A pipe that is ready takes PIPE_BUF bytes without blocking. */
static ssize_t give_pipe(struct copy_end *to, const char *buffer, size_t count)
{
    size_t done = 0;
    ssize_t given = 0;
    while (done < count && is_ready(to->fd, POLLOUT, 0) > 0) {
        size_t left = count - done;
        given = copy_give(to, buffer + done, left < PIPE_BUF ? left : PIPE_BUF);
        if (given <= 0) {
            break;
        }
        done += (size_t) given;
    }
    return done > 0 ? (ssize_t) done : given < 0 ? given : -EAGAIN;
}

static ssize_t move_into_pipe(struct copy_end *from, struct copy_end *to, char *buffer,
                              size_t count)
{
    int capacity = REAL(fcntl)(to->fd, F_GETPIPE_SZ);
    if (capacity > 0 && (size_t) capacity < count) {
        count = (size_t) capacity;
    }
    ssize_t taken = copy_take(from, buffer, count);
    if (taken <= 0) {
        return taken;
    }
    ssize_t given = give_pipe(to, buffer, (size_t) taken);
    copy_advance(from, taken, given > 0 ? given : 0);
    return given;
}

static ssize_t wait_for(const struct copy_end *pipe, short events, bool may_block)
{
    held_begin_cancellable(); /* nothing was moved yet */
    int ready = is_ready(pipe->fd, events, may_block ? -1 : 0);
    held_end_cancellable();
    return ready < 0 ? ready : ready == 0 ? -EAGAIN : 0;
}

static ssize_t fill_pipe(struct copy_end *from, struct copy_end *to, size_t count, bool may_block)
{
    ssize_t error = wait_for(to, POLLOUT, may_block);
    return error < 0 ? error : copy_all(move_into_pipe, from, to, count);
}

/* Only what can be read again may be the source: bytes that find no room would be lost. */
static int check_source(const struct copy_end *from)
{
    mode_t mode;
    int error = copy_mode_of(from, &mode);
    if (error < 0) {
        return error;
    }
    if (!S_ISREG(mode) && !S_ISBLK(mode)) {
        return from->given != NULL && (S_ISFIFO(mode) || S_ISSOCK(mode)) ? -ESPIPE : -EINVAL;
    }
    return from->given != NULL && from->offset < 0 ? -EINVAL : 0;
}

static ssize_t send_file(struct copy_end *from, struct copy_end *to, size_t count)
{
    int flags;
    int error = copy_check_end(from, false, &flags);
    if (error == 0) {
        error = check_source(from);
    }
    if (error == 0 && (ssize_t) count < 0) {
        error = -EINVAL;
    }
    if (error == 0) {
        error = copy_check_end(to, true, &flags);
    }
    if (error == 0 && (flags & O_APPEND) != 0) {
        error = -EINVAL;
    }
    mode_t mode;
    if (error == 0) {
        error = copy_mode_of(to, &mode);
    }
    if (error < 0 || count == 0) {
        return error;
    }
    count = copy_limit(count);
    return S_ISFIFO(mode) ? fill_pipe(from, to, count, (flags & O_NONBLOCK) == 0)
                          : copy_all(copy_through, from, to, count);
}

HOOK ssize_t sendfile(int out, int in, off_t *in_offset, size_t count)
{
    if (!descriptor_is_image(in) && !descriptor_is_image(out)) {
        ssize_t result = REAL(sendfile)(out, in, in_offset, count);
        return copy_is_image_after_all(result, in, out) ? sendfile(out, in, in_offset, count)
                                                        : result;
    }
    struct taken_mark mark;
    struct taken *entered = taken_enter(&mark, TAKEN_OTHER);
    struct copy_end from = copy_end_of(in, in_offset);
    struct copy_end to = copy_end_of(out, NULL);
    return copy_finish(CALL_sendfile, entered, &from, &to, send_file(&from, &to, count));
}

/* Bytes that leave a pipe do not go back: so no more are taken than the image has room for. */
static ssize_t room_of(const struct copy_end *to, size_t count)
{
    int64_t size = open_file_size(to->file);
    int64_t at = to->given != NULL ? to->offset : atomic_load(&to->file->state->position);
    if (size < 0) {
        return size;
    }
    return at >= size ? -ENOSPC : (int64_t) count < size - at ? (ssize_t) count : size - at;
}

static ssize_t splice_into(struct copy_end *from, struct copy_end *to, size_t count, bool may_block)
{
    ssize_t room = room_of(to, count);
    if (room >= 0) {
        ssize_t error = wait_for(from, POLLIN, may_block);
        room = error < 0 ? error : room;
    }
    if (room < 0) {
        return room;
    }
    /* what the pipe has now: no read has to wait for more */
    int available = 0;
    if (REAL(ioctl)(from->fd, FIONREAD, &available) == 0 && available > 0 && available < room) {
        room = available;
    }
    return copy_all(copy_through, from, to, (size_t) room);
}

static ssize_t splice_ends(struct copy_end *from, struct copy_end *to, size_t count, unsigned flags)
{
    int in_flags;
    int out_flags;
    mode_t mode;
    bool image_in = from->file != NULL;
    struct copy_end *pipe = image_in ? to : from;
    struct copy_end *image = image_in ? from : to;
    if (from->file == NULL && to->file == NULL) {
        return -EBADF; /* closed just now */
    }
    int error = copy_check_end(from, false, &in_flags);
    if (error == 0) {
        error = copy_check_end(to, true, &out_flags);
    }
    if (error == 0) {
        error = pipe->file != NULL ? -EINVAL : copy_mode_of(pipe, &mode);
    }
    if (error < 0) {
        return error;
    }
    if (!S_ISFIFO(mode)) {
        return -EINVAL; /* one of the two has to be a pipe */
    }
    if (pipe->given != NULL) {
        return -ESPIPE;
    }
    if ((!image_in && (out_flags & O_APPEND) != 0) || (image->given != NULL && image->offset < 0)) {
        return -EINVAL;
    }
    bool may_block = (flags & SPLICE_F_NONBLOCK) == 0
                     && ((image_in ? out_flags : in_flags) & O_NONBLOCK) == 0;
    count = copy_limit(count);
    return image_in ? fill_pipe(from, to, count, may_block)
                    : splice_into(from, to, count, may_block);
}

HOOK ssize_t splice(int in, off_t *in_offset, int out, off_t *out_offset, size_t count,
                    unsigned flags)
{
    if (!descriptor_is_image(in) && !descriptor_is_image(out)) {
        ssize_t result = REAL(splice)(in, in_offset, out, out_offset, count, flags);
        return copy_is_image_after_all(result, in, out)
                   ? splice(in, in_offset, out, out_offset, count, flags)
                   : result;
    }
    if (count == 0) {
        return 0;
    }
    pthread_testcancel();
    struct taken_mark mark;
    struct taken *entered = taken_enter(&mark, TAKEN_OTHER);
    struct copy_end from = copy_end_of(in, in_offset);
    struct copy_end to = copy_end_of(out, out_offset);
    return copy_finish(CALL_splice, entered, &from, &to, splice_ends(&from, &to, count, flags));
}

ALIAS(sendfile64, sendfile);
