/* copy_file_range(2), sendfile(2) and splice(2) where an image is on either side: through a buffer,
 * as the kernel has no pages of an image. */

#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hook.h"

#define BUFFER 65536 /* bytes, on the stack */

/* One end: an image or what the kernel has, at its position or at *offset. */
struct end {
    int fd;
    off_t *offset; /* NULL: the position */
};

static ssize_t take(const struct end *from, void *buffer, size_t count)
{
    ssize_t result = from->offset == NULL ? read(from->fd, buffer, count)
                                          : pread(from->fd, buffer, count, *from->offset);
    return result < 0 ? -errno : result;
}

static ssize_t give(const struct end *to, const void *buffer, size_t count)
{
    ssize_t result = to->offset == NULL ? write(to->fd, buffer, count)
                                        : pwrite(to->fd, buffer, count, *to->offset);
    return result < 0 ? -errno : result;
}

/* What was taken and found no room goes back, where that is possible. */
static void untake(const struct end *from, ssize_t count)
{
    if (from->offset == NULL && count > 0) {
        lseek(from->fd, -count, SEEK_CUR);
    }
}

/* One buffer's worth: bytes moved, 0 at the end, or an error. */
static ssize_t move(const struct end *from, const struct end *to, size_t count)
{
    char buffer[BUFFER];
    ssize_t taken = take(from, buffer, count < BUFFER ? count : BUFFER);
    if (taken <= 0) {
        return taken;
    }
    ssize_t done = 0;
    while (done < taken) {
        struct end rest = *to;
        ssize_t given = give(&rest, buffer + done, (size_t) (taken - done));
        if (given <= 0) {
            untake(from, taken - done);
            if (done == 0) {
                return given;
            }
            break;
        }
        done += given;
        if (to->offset != NULL) {
            *to->offset += given;
        }
    }
    if (from->offset != NULL) {
        *from->offset += done;
    }
    return done;
}

static ssize_t move_all(const struct end *from, const struct end *to, size_t count)
{
    size_t done = 0;
    while (done < count) {
        ssize_t moved = move(from, to, count - done);
        if (moved <= 0) {
            return done > 0 ? (ssize_t) done : moved;
        }
        done += (size_t) moved;
        if ((size_t) moved < BUFFER) {
            break; /* the end, or no more room just now: the caller sees it at its next call */
        }
    }
    return (ssize_t) done;
}

static bool is_one_image(int in, int out)
{
    struct stat a;
    struct stat b;
    return descriptor_is_image(in) && descriptor_is_image(out) && fstat(in, &a) == 0
           && fstat(out, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static int64_t place(const struct end *end)
{
    return end->offset != NULL ? *end->offset : lseek(end->fd, 0, SEEK_CUR);
}

static bool overlap(const struct end *from, const struct end *to, size_t count)
{
    int64_t a = place(from);
    int64_t b = place(to);
    return a < b ? (uint64_t) (b - a) < count : (uint64_t) (a - b) < count;
}

static ssize_t copy_range(const struct end *from, const struct end *to, size_t count,
                          unsigned flags)
{
    struct stat in;
    struct stat out;
    if (flags != 0) {
        return -EINVAL;
    }
    if (fstat(from->fd, &in) < 0 || fstat(to->fd, &out) < 0) {
        return -errno;
    }
    if (S_ISDIR(in.st_mode) || S_ISDIR(out.st_mode)) {
        return -EISDIR;
    }
    if (!S_ISREG(in.st_mode) || !S_ISREG(out.st_mode)
        || (is_one_image(from->fd, to->fd) && overlap(from, to, count))) {
        return -EINVAL;
    }
    if ((fcntl(to->fd, F_GETFL) & O_APPEND) != 0) {
        return -EBADF;
    }
    return move_all(from, to, count);
}

static ssize_t finish(enum call call, ssize_t result)
{
    report_count(call);
    report_bytes(call, result);
    return as_result(result);
}

HOOK ssize_t copy_file_range(int in, off_t *in_offset, int out, off_t *out_offset, size_t count,
                             unsigned flags)
{
    if (!descriptor_is_image(in) && !descriptor_is_image(out)) {
        return REAL(copy_file_range)(in, in_offset, out, out_offset, count, flags);
    }
    struct end from = {in, in_offset};
    struct end to = {out, out_offset};
    return finish(CALL_copy_file_range, copy_range(&from, &to, count, flags));
}

HOOK ssize_t sendfile(int out, int in, off_t *in_offset, size_t count)
{
    if (!descriptor_is_image(in) && !descriptor_is_image(out)) {
        return REAL(sendfile)(out, in, in_offset, count);
    }
    struct end from = {in, in_offset};
    struct end to = {out, NULL};
    int flags = fcntl(out, F_GETFL);
    ssize_t result = flags < 0                       ? -errno
                     : (flags & O_APPEND) != 0       ? -EINVAL
                     : in_offset && *in_offset < 0   ? -EINVAL
                                                     : move_all(&from, &to, count);
    return finish(CALL_sendfile, result);
}

static bool is_pipe(int fd)
{
    struct stat status;
    return !descriptor_is_image(fd) && fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

HOOK ssize_t splice(int in, off_t *in_offset, int out, off_t *out_offset, size_t count,
                    unsigned flags)
{
    if (!descriptor_is_image(in) && !descriptor_is_image(out)) {
        return REAL(splice)(in, in_offset, out, out_offset, count, flags);
    }
    struct end from = {in, in_offset};
    struct end to = {out, out_offset};
    bool image_in = descriptor_is_image(in);
    ssize_t result;
    if (!is_pipe(image_in ? out : in)) {
        result = -EINVAL; /* one of the two has to be a pipe */
    } else if ((image_in ? out_offset : in_offset) != NULL) {
        result = -ESPIPE;
    } else {
        /* no more than a pipe takes at once, so that this ends when the other end reads slowly */
        result = move(&from, &to, count);
    }
    return finish(CALL_splice, result);
}

ALIAS(sendfile64, sendfile);
