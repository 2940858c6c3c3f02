#include "open_file.h"

#include <errno.h>
#include <limits.h>

#include "aio_engine.h"
#include "descriptor.h"
#include "real.h"
#include "report.h"

#define MAX_OPEN_FILES 65536

static struct open_file pool[MAX_OPEN_FILES];
static _Atomic uint32_t next_look;

struct open_file *open_file_new(struct open_state *state, rbdw_file *image)
{
    uint32_t first = atomic_load_explicit(&next_look, memory_order_relaxed);
    for (uint32_t i = 0; i < MAX_OPEN_FILES; i++) {
        struct open_file *file = &pool[(first + i) % MAX_OPEN_FILES];
        uint32_t is_free = 0;
        if (atomic_load_explicit(&file->used, memory_order_relaxed) == 0
            && atomic_compare_exchange_strong(&file->used, &is_free, 1)) {
            atomic_store_explicit(&next_look, first + i + 1, memory_order_relaxed);
            file->state = state;
            atomic_store(&file->image, image);
            atomic_store(&file->size, -1);
            atomic_store(&file->lock, -1);
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
    if (lock >= 0) {
        descriptor_drop(lock);
    }
    placeholder_unmap(file->state);
    atomic_store_explicit(&file->used, 0, memory_order_release);
}

void open_file_release(struct open_file *file)
{
    if (atomic_fetch_sub(&file->references, 1) == 1) {
        int error = errno;
        end(file);
        errno = error;
    }
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

static int open_image(struct open_file *file, rbdw_file **image)
{
    rbdw_file *opened;
    rbdw_file *none = NULL;
    int flags = (int) atomic_load(&file->state->flags) & O_ACCMODE;
    int error = rbdw_open(file->state->image, flags, &opened);
    if (error < 0) {
        report_line("open of inherited %s: %s", file->state->path, rbdw_error_text());
        return error == -ECONNREFUSED ? -ENXIO : error;
    }
    if (!atomic_compare_exchange_strong(&file->image, &none, opened)) {
        rbdw_close(opened); /* another thread was first */
    }
    *image = atomic_load(&file->image);
    return 0;
}

int open_file_image(struct open_file *file, rbdw_file **image)
{
    *image = atomic_load_explicit(&file->image, memory_order_acquire);
    return __builtin_expect(*image != NULL, true) ? 0 : open_image(file, image);
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

/* Fewer than count bytes to the end: of a partition it is fixed, of an image the broker knows it. */
static ssize_t within_partition(const struct open_file *file, size_t count, off_t offset)
{
    int64_t length = file->state->length;
    if (count > OPEN_FILE_MAX_TRANSFER) {
        count = OPEN_FILE_MAX_TRANSFER;
    }
    if (length < 0) {
        return (ssize_t) count;
    }
    if (offset >= length) {
        return 0;
    }
    return (int64_t) count < length - offset ? (ssize_t) count : (ssize_t) (length - offset);
}

static ssize_t read_at(struct open_file *file, void *buffer, size_t count, off_t offset)
{
    rbdw_file *image;
    int error = open_file_image(file, &image);
    if (error < 0) {
        return error;
    }
    ssize_t within = within_partition(file, count, offset);
    return within == 0 ? 0
                       : rbdw_pread(image, buffer, (size_t) within, offset + file->state->base);
}

static ssize_t write_at(struct open_file *file, const void *buffer, size_t count, off_t offset)
{
    rbdw_file *image;
    int error = open_file_image(file, &image);
    if (error < 0) {
        return error;
    }
    ssize_t within = within_partition(file, count, offset);
    if (within == 0) {
        return count == 0 ? 0 : -ENOSPC;
    }
    return rbdw_pwrite(image, buffer, (size_t) within, offset + file->state->base);
}

/* A transfer as read(2) and its kin describe it. */
struct transfer {
    const struct iovec *vector;
    int count;
    size_t length; /* bytes, of the vector; no more than the kernel moves at once */
    bool is_write;
};

static int begin(struct open_file *file, struct transfer *transfer, const struct iovec *vector,
                 int count, bool is_write)
{
    if (is_write ? !open_file_is_writable(file) : !open_file_is_readable(file)) {
        return -EBADF;
    }
    if (count < 0 || count > IOV_MAX) {
        return -EINVAL;
    }
    size_t length = 0;
    for (int i = 0; i < count; i++) {
        if (vector[i].iov_len > SSIZE_MAX - length) {
            return -EINVAL;
        }
        length += vector[i].iov_len;
    }
    *transfer = (struct transfer) {
        .vector = vector,
        .count = count,
        .length = length < OPEN_FILE_MAX_TRANSFER ? length : OPEN_FILE_MAX_TRANSFER,
        .is_write = is_write,
    };
    return 0;
}

static ssize_t move(struct open_file *file, const struct transfer *transfer, off_t offset)
{
    size_t done = 0;
    for (int i = 0; i < transfer->count && done < transfer->length; i++) {
        size_t left = transfer->length - done;
        size_t length = transfer->vector[i].iov_len < left ? transfer->vector[i].iov_len : left;
        void *base = transfer->vector[i].iov_base;
        off_t at = offset + (off_t) done;
        ssize_t moved = length == 0          ? 0
                        : transfer->is_write ? write_at(file, base, length, at)
                                             : read_at(file, base, length, at);
        if (moved < 0) {
            return done > 0 ? (ssize_t) done : moved;
        }
        done += (size_t) moved;
        if ((size_t) moved < length) {
            break;
        }
    }
    return (ssize_t) done;
}

static bool appends(const struct open_file *file)
{
    return (atomic_load_explicit(&file->state->flags, memory_order_relaxed) & O_APPEND) != 0;
}

bool open_file_writes_through(const struct open_file *file)
{
    uint32_t flags = atomic_load_explicit(&file->state->flags, memory_order_relaxed);
    return (flags & (O_SYNC | O_DSYNC)) != 0;
}

/* After a write. */
static ssize_t written(struct open_file *file, ssize_t result)
{
    if (result > 0 && open_file_writes_through(file)) {
        int error = open_file_flush(file);
        return error < 0 ? error : result;
    }
    return result;
}

static ssize_t transfer_at(struct open_file *file, const struct transfer *transfer, off_t offset)
{
    if (offset < 0) {
        return -EINVAL;
    }
    if (!transfer->is_write) {
        return move(file, transfer, offset);
    }
    if (transfer->length > 0 && appends(file)) {
        return -ENOSPC; /* as the kernel, which appends whatever offset is given */
    }
    return written(file, move(file, transfer, offset));
}

ssize_t open_file_locate(struct open_file *file, bool is_write, size_t count, off_t *offset)
{
    if (is_write && count > 0 && appends(file)) {
        return -ENOSPC;
    }
    ssize_t within = within_partition(file, count, *offset);
    if (within == 0 && count > 0 && is_write) {
        return -ENOSPC;
    }
    *offset += file->state->base;
    return within;
}

/* Takes up to count bytes of the file, from the position on, for the caller alone. Returns how many;
 * 0 at the end. */
static ssize_t reserve(struct open_file *file, size_t count, int64_t *start)
{
    bool asked = false;
    int64_t position = atomic_load(&file->state->position);
    while (true) {
        int64_t size = atomic_load_explicit(&file->size, memory_order_relaxed);
        int64_t room = size - position;
        if (room < (int64_t) count && !asked) {
            asked = true; /* it may have grown */
            size = open_file_size(file);
            if (size < 0) {
                return size;
            }
            room = size - position;
        }
        int64_t taken = room <= 0 ? 0 : room < (int64_t) count ? room : (int64_t) count;
        if (taken == 0
            || atomic_compare_exchange_weak(&file->state->position, &position, position + taken)) {
            *start = position;
            return taken;
        }
    }
}

static ssize_t transfer_at_position(struct open_file *file, struct transfer *transfer)
{
    if (transfer->length == 0) {
        return 0;
    }
    if (transfer->is_write && appends(file)) {
        return -ENOSPC;
    }
    int64_t start;
    ssize_t reserved = reserve(file, transfer->length, &start);
    if (reserved <= 0) {
        return reserved < 0 ? reserved : transfer->is_write ? -ENOSPC : 0;
    }
    transfer->length = (size_t) reserved;
    ssize_t moved = move(file, transfer, start);
    if (moved < reserved) {
        /* unless another has moved on from there */
        int64_t reached = start + reserved;
        atomic_compare_exchange_strong(&file->state->position, &reached,
                                       start + (moved > 0 ? moved : 0));
    }
    return transfer->is_write ? written(file, moved) : moved;
}

ssize_t open_file_readv(struct open_file *file, const struct iovec *vector, int count)
{
    struct transfer transfer;
    int error = begin(file, &transfer, vector, count, false);
    return error < 0 ? error : transfer_at_position(file, &transfer);
}

ssize_t open_file_writev(struct open_file *file, const struct iovec *vector, int count)
{
    struct transfer transfer;
    int error = begin(file, &transfer, vector, count, true);
    return error < 0 ? error : transfer_at_position(file, &transfer);
}

ssize_t open_file_preadv(struct open_file *file, const struct iovec *vector, int count,
                         off_t offset)
{
    struct transfer transfer;
    int error = begin(file, &transfer, vector, count, false);
    return error < 0 ? error : transfer_at(file, &transfer, offset);
}

ssize_t open_file_pwritev(struct open_file *file, const struct iovec *vector, int count,
                          off_t offset)
{
    struct transfer transfer;
    int error = begin(file, &transfer, vector, count, true);
    return error < 0 ? error : transfer_at(file, &transfer, offset);
}

ssize_t open_file_read(struct open_file *file, void *buffer, size_t count)
{
    struct iovec one = {buffer, count < OPEN_FILE_MAX_TRANSFER ? count : OPEN_FILE_MAX_TRANSFER};
    return open_file_readv(file, &one, 1);
}

ssize_t open_file_write(struct open_file *file, const void *buffer, size_t count)
{
    struct iovec one = {(void *) buffer,
                        count < OPEN_FILE_MAX_TRANSFER ? count : OPEN_FILE_MAX_TRANSFER};
    return open_file_writev(file, &one, 1);
}

ssize_t open_file_pread(struct open_file *file, void *buffer, size_t count, off_t offset)
{
    struct iovec one = {buffer, count < OPEN_FILE_MAX_TRANSFER ? count : OPEN_FILE_MAX_TRANSFER};
    return open_file_preadv(file, &one, 1, offset);
}

ssize_t open_file_pwrite(struct open_file *file, const void *buffer, size_t count, off_t offset)
{
    struct iovec one = {(void *) buffer,
                        count < OPEN_FILE_MAX_TRANSFER ? count : OPEN_FILE_MAX_TRANSFER};
    return open_file_pwritev(file, &one, 1, offset);
}

static int64_t target_of_seek(struct open_file *file, off_t offset, int whence)
{
    int64_t base = 0;
    if (whence == SEEK_CUR) {
        base = atomic_load(&file->state->position);
    } else if (whence == SEEK_END || whence == SEEK_DATA || whence == SEEK_HOLE) {
        base = open_file_size(file);
        if (base < 0) {
            return base;
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
    error = change(image, offset + file->state->base, length);
    ssize_t flushed = error < 0 ? error : written(file, 1);
    return flushed < 0 ? (int) flushed : 0;
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
