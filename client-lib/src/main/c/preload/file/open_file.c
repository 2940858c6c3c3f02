#include "open_file.h"

#include <errno.h>

#include "aio_engine.h"
#include "descriptor.h"
#include "descriptors.h"
#include "fault.h"
#include "held.h"
#include "image.h"
#include "image_open.h"
#include "real.h"
#include "report.h"

#define MAX_OPEN_FILES 65536

static struct open_file pool[MAX_OPEN_FILES];

/* Of files that cannot be had: what is asked of them fails where the image is needed. */
static struct open_state refused = {.length = -1, .flags = O_RDWR, .end = -1};
static _Atomic uint32_t next_look;

struct open_file *open_file_new(struct open_state *state, rbdw_file *image)
{
    fault_watch();
    uint32_t first = atomic_load_explicit(&next_look, memory_order_relaxed);
    for (uint32_t i = 0; i < MAX_OPEN_FILES; i++) {
        struct open_file *file = &pool[(first + i) % MAX_OPEN_FILES];
        uint32_t is_free = 0;
        if (atomic_load_explicit(&file->used, memory_order_relaxed) == 0
            && atomic_compare_exchange_strong(&file->used, &is_free, 1)) {
            atomic_store_explicit(&next_look, first + i + 1, memory_order_relaxed);
            file->state = state;
            file->failure = 0;
            atomic_store(&file->image, image);
            if (image != NULL) {
                image_open_again_by(image, open_file_descriptor, file);
            }
            atomic_store(&file->size, -1);
            atomic_store(&file->lock, -1);
            read_ahead_begin(&file->read_ahead);
            atomic_store_explicit(&file->references, 1, memory_order_release);
            return file;
        }
    }
    return NULL;
}

bool open_file_try_acquire(struct open_file *file)
{
    uint32_t references = atomic_load_explicit(&file->references, memory_order_relaxed);
    while (references > 0) {
        if (atomic_compare_exchange_weak(&file->references, &references, references + 1)) {
            return true;
        }
    }
    return false;
}

void open_file_add_reference(struct open_file *file)
{
    atomic_fetch_add(&file->references, 1);
}

void open_file_set_references(struct open_file *file, uint32_t references)
{
    atomic_store(&file->references, references);
}

static void end(struct open_file *file)
{
    aio_on_file_ended(file);
    rbdw_file *image = atomic_load(&file->image);
    int lock = atomic_load(&file->lock);
    if (image != NULL) {
        int error = rbdw_close(image);
        if (error < 0) {
            report_line("close of %s: %s", file->state->path, rbdw_error_text());
        }
    }
    read_ahead_end(&file->read_ahead);
    if (lock >= 0) {
        descriptor_drop(lock);
    }
    if (file->state != NULL && file->state != &refused) {
        placeholder_unmap(file->state);
    }
    atomic_store_explicit(&file->used, 0, memory_order_release);
}

static void drop_reference(struct open_file *file)
{
    if (atomic_fetch_sub(&file->references, 1) == 1) {
        int error = errno;
        held_begin();
        end(file);
        held_end();
        errno = error;
    }
}

static void give_reference_back(struct taken *taken)
{
    struct open_file *file = taken->of;
    taken->of = NULL;
    if (file != NULL) {
        drop_reference(file);
    }
}

struct taken *open_file_note(struct taken_mark *mark, enum taken_kind kind)
{
    return taken_push(mark, kind, give_reference_back, NULL);
}

void open_file_disown(struct open_file *file)
{
    taken_pop(taken_find(give_reference_back, file));
}

void open_file_release(struct open_file *file)
{
    struct taken *taken = taken_find(give_reference_back, file);
    if (taken != NULL) {
        taken->of = NULL;
    }
    drop_reference(file);
    taken_pop(taken);
}

bool open_file_is_readable(const struct open_file *file)
{
    uint32_t flags = atomic_load_explicit(&file->state->flags, memory_order_relaxed);
    return (flags & O_ACCMODE) != O_WRONLY && (flags & O_PATH) == 0;
}

bool open_file_is_writable(const struct open_file *file)
{
    uint32_t flags = atomic_load_explicit(&file->state->flags, memory_order_relaxed);
    return (flags & O_ACCMODE) != O_RDONLY && (flags & O_PATH) == 0;
}

bool open_file_writes_through(const struct open_file *file)
{
    uint32_t flags = atomic_load_explicit(&file->state->flags, memory_order_relaxed);
    return (flags & (O_SYNC | O_DSYNC)) != 0;
}

/* The file as the broker wants it: its place in the image. */
static int64_t longest(const struct open_state *state)
{
    return image_part_length(state->base, state->length);
}

static int keep_end(struct open_state *state, rbdw_file *image)
{
    image_share_end(image, &state->end);
    return image_keep_end(image, state->base, longest(state));
}

/* Before it is written up to there: who opens the image anew for this file must not take that for what
 * was there before. Whoever shares the file may have truncated it since it was opened here. */
static int extend_known(struct open_file *file, rbdw_file *image, int64_t to)
{
    int error = image_keeps_end(image) ? 0 : keep_end(file->state, image);
    int64_t known = atomic_load(&file->state->end);
    while (error == 0 && known >= 0 && known < to
           && !atomic_compare_exchange_weak(&file->state->end, &known, to)) {
    }
    return error;
}

/* Opens what fd stands for, with its logical end where it was truncated. */
static int attach(int fd, rbdw_file **image, struct open_state **state)
{
    struct placeholder_id id;
    int error = placeholder_may_be(fd, &id) ? placeholder_attach(fd, &id, image, state) : -EBADF;
    if (error == 0 && atomic_load(&(*state)->end) >= 0) {
        error = keep_end(*state, *image);
        if (error < 0) {
            rbdw_close(*image);
            placeholder_unmap(*state);
        }
    }
    return error;
}

int open_file_attach(struct open_file *file, int fd)
{
    struct open_state *state;
    struct open_state *none = NULL;
    rbdw_file *no_image = NULL;
    rbdw_file *image;
    int error = attach(fd, &image, &state);
    if (error == -EBADF) {
        return error;
    }
    if (error < 0) {
        report_line("descriptor %d: %s", fd, rbdw_error_text());
        file->failure = error == -ECONNREFUSED ? -ENXIO : error;
        __atomic_compare_exchange_n(&file->state, &none, &refused, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE);
        return 0;
    }
    /* of two threads the first wins, each of the two on its own: in the end they belong together */
    bool has_image = atomic_compare_exchange_strong(&file->image, &no_image, image);
    bool has_state = __atomic_compare_exchange_n(&file->state, &none, state, false,
                                                 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    rbdw_file *used = atomic_load(&file->image);
    image_share_end(used, &file->state->end);
    image_open_again_by(used, open_file_descriptor, file);
    if (!has_image) {
        rbdw_close(image);
    }
    if (!has_state) {
        placeholder_unmap(state);
    }
    return 0;
}

int open_file_begin_write(struct open_file *file, rbdw_file *image, int64_t to)
{
    int64_t known = atomic_load_explicit(&file->state->end, memory_order_relaxed);
    return __builtin_expect(known < 0, true) ? 0 : extend_known(file, image, to);
}

int open_file_truncate(struct open_file *file, off_t length)
{
    rbdw_file *image;
    int error = open_file_image(file, &image);
    if (error == 0) {
        image_share_end(image, &file->state->end);
        error = image_truncate(image, file->state->base, longest(file->state), length);
    }
    if (error == 0) {
        atomic_store(&file->state->end, length);
    }
    return error;
}

int open_file_extend(struct open_file *file, off_t length)
{
    rbdw_file *image;
    int error = open_file_image(file, &image);
    if (error == 0) {
        error = open_file_begin_write(file, image, length);
    }
    return error < 0 ? error
                     : image_extend(image, file->state->base, longest(file->state), length);
}

int open_file_before_size(struct open_file *file, int64_t size)
{
    int64_t end = atomic_load_explicit(&file->state->end, memory_order_relaxed);
    int64_t position = atomic_load(&file->state->position);
    int64_t skipped_to = position < size ? position : size;
    if (position == atomic_load(&file->state->told)) {
        return 0; /* it has only asked where the end is */
    }
    /* others may have truncated it to less since */
    return end < 0 || skipped_to == 0 ? 0 : open_file_extend(file, skipped_to);
}

int open_file_image(struct open_file *file, rbdw_file **image)
{
    *image = atomic_load_explicit(&file->image, memory_order_acquire);
    return __builtin_expect(*image != NULL, true) ? 0 : file->failure;
}

int64_t open_file_size(struct open_file *file)
{
    rbdw_file *image;
    int error = open_file_image(file, &image);
    if (error < 0) {
        return error;
    }
    int64_t size = file->state->length >= 0 ? file->state->length : rbdw_size(image);
    if (size >= 0) {
        atomic_store_explicit(&file->size, size, memory_order_relaxed);
    }
    return size;
}

static int64_t target_of_seek(struct open_file *file, off_t offset, int whence)
{
    int64_t base = 0;
    if (whence == SEEK_CUR) {
        base = atomic_load(&file->state->position);
    } else if (whence == SEEK_END || whence == SEEK_DATA || whence == SEEK_HOLE) {
        base = open_file_size(file);
        int error = base < 0 ? (int) base : open_file_before_size(file, base);
        if (error < 0) {
            return error;
        }
    }
    switch (whence) {
    case SEEK_SET:
        return offset < 0 ? -EINVAL : offset;
    case SEEK_CUR:
    case SEEK_END:
        if (offset > 0 && base > INT64_MAX - offset) {
            return -EOVERFLOW;
        }
        return base + offset < 0 ? -EINVAL : base + offset;
    case SEEK_DATA: /* nobody tells where an image has holes: all of it is data */
        return offset < 0 || offset >= base ? -ENXIO : offset;
    case SEEK_HOLE:
        return offset < 0 || offset >= base ? -ENXIO : base;
    default:
        return -EINVAL;
    }
}

int64_t open_file_seek(struct open_file *file, off_t offset, int whence)
{
    if ((atomic_load(&file->state->flags) & O_PATH) != 0) {
        return -EBADF;
    }
    if (whence == SEEK_CUR && offset == 0) {
        return atomic_load(&file->state->position);
    }
    int64_t target = target_of_seek(file, offset, whence);
    if (target >= 0) {
        atomic_store(&file->state->told, whence == SEEK_END ? target : 0);
        atomic_store(&file->state->position, target);
    }
    return target;
}

int open_file_flush(struct open_file *file)
{
    rbdw_file *image;
    int error = open_file_image(file, &image);
    return error < 0 ? error : rbdw_flush(image);
}

/* Cuts a range to a partition's end; false where nothing is left. */
static bool cut(const struct open_file *file, off_t offset, off_t *length)
{
    int64_t end = file->state->length;
    if (end < 0) {
        return *length > 0;
    }
    if (offset >= end) {
        return false;
    }
    if (*length > end - offset) {
        *length = end - offset;
    }
    return *length > 0;
}

static int change_range(struct open_file *file, off_t offset, off_t length,
                        int (*change)(rbdw_file *, off_t, off_t))
{
    rbdw_file *image;
    if (offset < 0 || length < 0) {
        return -EINVAL;
    }
    int error = open_file_image(file, &image);
    if (error < 0 || !cut(file, offset, &length)) {
        return error;
    }
    error = change == rbdw_discard ? 0 : open_file_begin_write(file, image, offset + length);
    if (error < 0) {
        return error;
    }
    error = change(image, offset + file->state->base, length);
    return error == 0 && open_file_writes_through(file) ? open_file_flush(file) : error;
}

int open_file_discard(struct open_file *file, off_t offset, off_t length)
{
    return change_range(file, offset, length, rbdw_discard);
}

int open_file_write_zeroes(struct open_file *file, off_t offset, off_t length)
{
    int error = change_range(file, offset, length, rbdw_write_zeroes);
    return error == -ENOSPC ? 0 : error; /* all of it lies beyond the end */
}
