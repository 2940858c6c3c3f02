/* Transfers of an open file, at its position and at offsets; a partition's end is an end. */

#include "open_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "taken.h"
#include "user_copy.h"

/* Of the largest address space that a Linux has today: 57 bits on x86-64, without the upper half. */
#define USER_MEMORY_END ((UINT64_C(1) << 56) - 4096)

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
    if (within == 0) {
        return 0;
    }
    off_t at = offset + file->state->base;
    if ((atomic_load_explicit(&file->state->flags, memory_order_relaxed) & O_DIRECT) == 0) {
        int64_t length = file->state->length;
        int64_t done = read_ahead_read(&file->read_ahead, image, buffer, (size_t) within, at,
                                       length < 0 ? INT64_MAX : length - offset);
        if (done != READ_AHEAD_NOT_SERVED) {
            return (ssize_t) done;
        }
    }
    return rbdw_pread(image, buffer, (size_t) within, at);
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
    error = open_file_begin_write(file, image, offset + within);
    if (error < 0) {
        return error;
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

static int check_access(const struct open_file *file, bool is_write)
{
    return (is_write ? open_file_is_writable(file) : open_file_is_readable(file)) ? 0 : -EBADF;
}

/* The kernel looks at all parts before it moves anything. */
static bool is_user_memory(const struct iovec *part)
{
    uintptr_t begins = (uintptr_t) part->iov_base;
    return begins <= USER_MEMORY_END && part->iov_len <= USER_MEMORY_END - begins;
}

/* Of a vector of the program's, which may be anywhere. */
static int begin(struct open_file *file, struct transfer *transfer, const struct iovec *vector,
                 int count, bool is_write)
{
    int error = check_access(file, is_write);
    if (error < 0) {
        return error;
    }
    if (count < 0 || count > IOV_MAX) {
        return -EINVAL;
    }
    size_t length = 0;
    for (int i = 0; i < count; i++) {
        struct iovec part;
        error = user_copy_all(&part, &vector[i], sizeof part);
        if (error < 0) {
            return error;
        }
        if (part.iov_len > SSIZE_MAX - length) {
            return -EINVAL;
        }
        if (!is_user_memory(&part)) {
            return -EFAULT;
        }
        length += part.iov_len;
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
    if (is_write && within > 0) {
        rbdw_file *image;
        int error = open_file_image(file, &image);
        if (error == 0) {
            error = open_file_begin_write(file, image, *offset + within);
        }
        if (error < 0) {
            return error;
        }
    }
    *offset += file->state->base;
    return within;
}

/* Takes up to count bytes of the file, from the position on, for the caller alone. Returns how many;
 * 0 at the end. */
static ssize_t reserve(struct open_file *file, size_t count, int64_t *start,
                       struct taken *noted)
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
        if (noted != NULL) {
            noted->from = position;
            atomic_signal_fence(memory_order_seq_cst);
            noted->to = position + taken;
            atomic_signal_fence(memory_order_seq_cst);
        }
        if (taken == 0
            || atomic_compare_exchange_weak(&file->state->position, &position, position + taken)) {
            *start = position;
            return taken;
        }
    }
}

/* The transfer was left midway, and has moved nothing: unless another has moved on from there. */
static void give_position_back(struct taken *taken)
{
    struct open_file *file = taken->of;
    int64_t reached = taken->to;
    if (taken->from < taken->to) {
        atomic_compare_exchange_strong(&file->state->position, &reached, taken->from);
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
    struct taken *taken = taken_push(NULL, TAKEN_TRANSFER, give_position_back, file);
    ssize_t reserved = reserve(file, transfer->length, &start, taken);
    if (reserved <= 0) {
        taken_pop(taken);
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
    taken_pop(taken);
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
    int error = offset < 0 ? -EINVAL : begin(file, &transfer, vector, count, false);
    return error < 0 ? error : transfer_at(file, &transfer, offset);
}

ssize_t open_file_pwritev(struct open_file *file, const struct iovec *vector, int count,
                          off_t offset)
{
    struct transfer transfer;
    int error = offset < 0 ? -EINVAL : begin(file, &transfer, vector, count, true);
    return error < 0 ? error : transfer_at(file, &transfer, offset);
}

/* One buffer, which is the most usual, does without what a vector takes. */
static int check_one(const struct open_file *file, const void *buffer, size_t *count, bool is_write)
{
    if (*count > OPEN_FILE_MAX_TRANSFER) {
        *count = OPEN_FILE_MAX_TRANSFER;
    }
    int error = check_access(file, is_write);
    struct iovec part = {(void *) buffer, *count};
    return error < 0 ? error : is_user_memory(&part) ? 0 : -EFAULT;
}

static ssize_t transfer_one(struct open_file *file, const void *buffer, size_t count, bool is_write)
{
    int error = check_one(file, buffer, &count, is_write);
    struct iovec one = {(void *) buffer, count};
    struct transfer transfer = {.vector = &one, .count = 1, .length = count, .is_write = is_write};
    return error < 0 ? error : transfer_at_position(file, &transfer);
}

ssize_t open_file_read(struct open_file *file, void *buffer, size_t count)
{
    return transfer_one(file, buffer, count, false);
}

ssize_t open_file_write(struct open_file *file, const void *buffer, size_t count)
{
    return transfer_one(file, buffer, count, true);
}

ssize_t open_file_pread(struct open_file *file, void *buffer, size_t count, off_t offset)
{
    int error = offset < 0 ? -EINVAL : check_one(file, buffer, &count, false);
    return error < 0 || count == 0 ? error : read_at(file, buffer, count, offset);
}

ssize_t open_file_pwrite(struct open_file *file, const void *buffer, size_t count, off_t offset)
{
    int error = offset < 0 ? -EINVAL : check_one(file, buffer, &count, true);
    if (error < 0 || count == 0) {
        return error;
    }
    return appends(file) ? -ENOSPC : written(file, write_at(file, buffer, count, offset));
}
