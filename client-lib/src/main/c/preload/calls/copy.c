/* copy_file_range(2) where an image is on either side: through a buffer, as the kernel has no pages
 * of an image. */

#include <string.h>
#include <sys/stat.h>

#include "copy_ends.h"

static bool is_one_image(const struct copy_end *from, const struct copy_end *to)
{
    return from->file != NULL && to->file != NULL
           && strcmp(from->file->state->image, to->file->state->image) == 0;
}

/* Where an end's next byte lies in its image: partitions of one image may lie over each other. */
static uint64_t place(const struct copy_end *end)
{
    return (uint64_t) end->file->state->base
           + (uint64_t) (end->given != NULL ? end->offset
                                            : atomic_load(&end->file->state->position));
}

/* How much of count lies before the end. */
static uint64_t within(const struct copy_end *end, uint64_t at, int64_t size, uint64_t count)
{
    uint64_t limit = (uint64_t) (end->file->state->base + size);
    uint64_t left = at < limit ? limit - at : 0;
    return left < count ? left : count;
}

/* -EINVAL where a copy within one image would read what it has written. */
static int check_overlap(const struct copy_end *from, const struct copy_end *to, size_t count)
{
    if (!is_one_image(from, to)) {
        return 0;
    }
    int64_t size = open_file_size(from->file);
    if (size < 0) {
        return (int) size;
    }
    int64_t room = open_file_size(to->file);
    if (room < 0) {
        return (int) room;
    }
    uint64_t in = place(from);
    uint64_t out = place(to);
    uint64_t length = within(from, in, size, within(to, out, room, count));
    return out < in + length && in < out + length ? -EINVAL : 0;
}

/* The kernel adds them as numbers without a sign, before it looks at the sign. */
static int check_range(const struct copy_end *end, size_t count)
{
    if (end->given == NULL) {
        return 0;
    }
    return (uint64_t) end->offset > UINT64_MAX - count ? -EOVERFLOW
           : end->offset < 0                           ? -EINVAL
                                                       : 0;
}

static int check_both(const struct copy_end *from, const struct copy_end *to, int *out_flags)
{
    int in_flags;
    int error = copy_check_end(from, false, &in_flags);
    return error < 0 ? error : copy_check_end(to, true, out_flags);
}

/* In the kernel's order. */
static int check_copy(const struct copy_end *from, const struct copy_end *to, size_t count,
                      unsigned flags)
{
    mode_t in;
    mode_t out;
    int out_flags = 0;
    int error = from->error < 0 ? from->error : to->error;
    if (error == 0) {
        error = copy_mode_of(from, &in);
    }
    if (error == 0) {
        error = copy_mode_of(to, &out);
    }
    if (error < 0) {
        return error;
    }
    if (flags != 0) {
        return -EINVAL;
    }
    if (S_ISDIR(in) || S_ISDIR(out)) {
        return -EISDIR;
    }
    if (!S_ISREG(in) || !S_ISREG(out)) {
        return -EINVAL;
    }
    error = check_both(from, to, &out_flags);
    if (error < 0 || (out_flags & O_APPEND) != 0) {
        return -EBADF;
    }
    error = check_range(from, count);
    if (error == 0) {
        error = check_range(to, count);
    }
    return error < 0 ? error : check_overlap(from, to, count);
}

static ssize_t copy_range(struct copy_end *from, struct copy_end *to, size_t count, unsigned flags)
{
    count = copy_limit(count);
    int error = check_copy(from, to, count, flags);
    return error < 0 ? error : copy_all(copy_through, from, to, count);
}

HOOK ssize_t copy_file_range(int in, off_t *in_offset, int out, off_t *out_offset, size_t count,
                             unsigned flags)
{
    if (!descriptor_is_image(in) && !descriptor_is_image(out)) {
        ssize_t result = REAL(copy_file_range)(in, in_offset, out, out_offset, count, flags);
        return copy_is_image_after_all(result, in, out)
                   ? copy_file_range(in, in_offset, out, out_offset, count, flags)
                   : result;
    }
    pthread_testcancel();
    struct taken_mark mark;
    struct taken *entered = taken_enter(&mark, TAKEN_OTHER);
    struct copy_end from = copy_end_of(in, in_offset);
    struct copy_end to = copy_end_of(out, out_offset);
    return copy_finish(CALL_copy_file_range, entered, &from, &to,
                       copy_range(&from, &to, count, flags));
}
