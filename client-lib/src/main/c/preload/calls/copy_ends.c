#include "copy_ends.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user_copy.h"

/* Few threads copy at a time: they share some buffers. Who finds none, or runs in a signal handler
 * on top of one who has it, takes less from its stack. */
#define BUFFERS 8
#define BUFFER 262144 /* bytes */
#define SMALL_BUFFER 16384

static char buffers[BUFFERS][BUFFER] __attribute__((aligned(4096)));
static atomic_bool buffer_is_used[BUFFERS];

static int lease_buffer(void)
{
    for (int i = 0; i < BUFFERS; i++) {
        if (!atomic_exchange_explicit(&buffer_is_used[i], true, memory_order_acquire)) {
            return i;
        }
    }
    return -1;
}

static void give_buffer_back(struct taken *taken)
{
    atomic_store_explicit((atomic_bool *) taken->of, false, memory_order_release);
}

struct copy_end copy_end_of(int fd, off_t *given)
{
    struct open_file *file = descriptor_is_image(fd) ? descriptor_acquire_image(fd, NULL, TAKEN_OTHER) : NULL;
    struct copy_end end = {fd, file, given, -1, 0};
    if (given != NULL) {
        end.error = user_copy_all(&end.offset, given, sizeof end.offset);
    }
    return end;
}

static void release(const struct copy_end *end)
{
    if (end->file != NULL) {
        open_file_release(end->file);
    }
}

ssize_t copy_take(struct copy_end *from, void *buffer, size_t count)
{
    ssize_t result;
    if (from->file != NULL) {
        return from->given == NULL ? open_file_read(from->file, buffer, count)
                                   : open_file_pread(from->file, buffer, count, from->offset);
    }
    result = from->given == NULL ? REAL(read)(from->fd, buffer, count)
                                 : REAL(pread)(from->fd, buffer, count, from->offset);
    return result < 0 ? -errno : result;
}

ssize_t copy_give(struct copy_end *to, const void *buffer, size_t count)
{
    ssize_t result;
    if (to->file != NULL) {
        return to->given == NULL ? open_file_write(to->file, buffer, count)
                                 : open_file_pwrite(to->file, buffer, count, to->offset);
    }
    result = to->given == NULL ? REAL(write)(to->fd, buffer, count)
                               : REAL(pwrite)(to->fd, buffer, count, to->offset);
    return result < 0 ? -errno : result;
}

static int64_t seek(const struct copy_end *end, off_t offset, int whence)
{
    if (end->file != NULL) {
        return open_file_seek(end->file, offset, whence);
    }
    off_t result = REAL(lseek)(end->fd, offset, whence);
    return result < 0 ? -errno : result;
}

void copy_advance(struct copy_end *from, ssize_t taken, ssize_t given)
{
    if (from->given != NULL) {
        from->offset += given;
    } else if (given < taken) {
        seek(from, given - taken, SEEK_CUR);
    }
}

ssize_t copy_through(struct copy_end *from, struct copy_end *to, char *buffer, size_t count)
{
    ssize_t taken = copy_take(from, buffer, count);
    if (taken <= 0) {
        return taken;
    }
    ssize_t done = 0;
    ssize_t given = 1;
    while (done < taken && given > 0) {
        given = copy_give(to, buffer + done, (size_t) (taken - done));
        if (given > 0) {
            done += given;
            to->offset += to->given != NULL ? given : 0;
        }
    }
    copy_advance(from, taken, done);
    return done > 0 ? done : given;
}

static ssize_t move_by(copy_step step, struct copy_end *from, struct copy_end *to, char *buffer,
                       size_t room, size_t count)
{
    size_t done = 0;
    while (done < count) {
        size_t want = count - done < room ? count - done : room;
        ssize_t moved = step(from, to, buffer, want);
        if (moved < 0) {
            return done > 0 ? (ssize_t) done : moved;
        }
        done += (size_t) moved;
        if ((size_t) moved < want) {
            break; /* the end, or no more room just now: the caller sees it at its next call */
        }
    }
    return (ssize_t) done;
}

/* Apart, so that the others do not need its stack. */
static __attribute__((noinline)) ssize_t move_by_stack(copy_step step, struct copy_end *from,
                                                       struct copy_end *to, size_t count)
{
    char buffer[SMALL_BUFFER];
    return move_by(step, from, to, buffer, sizeof buffer, count);
}

ssize_t copy_all(copy_step step, struct copy_end *from, struct copy_end *to, size_t count)
{
    int leased = lease_buffer();
    if (leased < 0) {
        return move_by_stack(step, from, to, count);
    }
    struct taken *taken = taken_push(NULL, TAKEN_OTHER, give_buffer_back, &buffer_is_used[leased]);
    ssize_t result = move_by(step, from, to, buffers[leased], BUFFER, count);
    atomic_store_explicit(&buffer_is_used[leased], false, memory_order_release);
    taken_pop(taken);
    return result;
}

int copy_check_end(const struct copy_end *end, bool is_out, int *flags)
{
    if (end->error < 0) {
        return end->error;
    }
    if (end->file != NULL) {
        *flags = (int) atomic_load(&end->file->state->flags);
        return (is_out ? open_file_is_writable(end->file) : open_file_is_readable(end->file))
                   ? 0
                   : -EBADF;
    }
    *flags = REAL(fcntl)(end->fd, F_GETFL);
    if (*flags < 0) {
        return -errno;
    }
    int other = is_out ? O_RDONLY : O_WRONLY;
    return (*flags & O_PATH) != 0 || (*flags & O_ACCMODE) == other ? -EBADF : 0;
}

int copy_mode_of(const struct copy_end *end, mode_t *mode)
{
    struct stat status;
    if (end->file != NULL) {
        *mode = S_IFREG;
        return 0;
    }
    if (REAL(fstat)(end->fd, &status) < 0) {
        return -errno;
    }
    *mode = status.st_mode;
    return 0;
}

size_t copy_limit(size_t count)
{
    return count < OPEN_FILE_MAX_TRANSFER ? count : OPEN_FILE_MAX_TRANSFER;
}

ssize_t copy_finish(enum call call, struct taken *entered, const struct copy_end *from,
                    const struct copy_end *to, ssize_t result)
{
    if (from->given != NULL && result > 0 && user_copy_all(from->given, &from->offset, sizeof(off_t)) < 0) {
        result = -EFAULT;
    }
    if (to->given != NULL && result > 0 && user_copy_all(to->given, &to->offset, sizeof(off_t)) < 0) {
        result = -EFAULT;
    }
    release(from);
    release(to);
    taken_pop(entered);
    report_count(call);
    report_bytes(call, result);
    if (is_cancellation_point(call)) {
        pthread_testcancel();
    }
    return as_result(result);
}

bool copy_is_image_after_all(long result, int in, int out)
{
    return is_image_after_all(result, in) || is_image_after_all(result, out);
}
