/* Position, size and space: lseek(2), ftruncate(2), fallocate(2) and their kin. An image's size is
 * not changed by programs, as a partition's is not: a truncation sets its logical end (rbdw.h). */

#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include "by_path.h"
#include "image.h"
#include "image_open.h"
#include "image_stat.h"

HOOK off_t lseek(int fd, off_t offset, int whence)
{
    struct open_file *file = descriptor_enter(fd);
    if (file == NULL) {
        off_t result = REAL(lseek)(fd, offset, whence);
        return is_image_after_all(result, fd) ? lseek(fd, offset, whence) : result;
    }
    return leave(file, CALL_lseek, open_file_seek(file, offset, whence));
}

/* Whether who truncates wants the file to be shorter for good, which an image is not made by it, and must
 * not be told that it has been: a program that resizes disk images. Nothing in the call tells it from one
 * that goes on to write there; but that opens with O_CREAT, as dd does, or has not locked a file that it
 * has found. */
static bool is_to_shrink(struct open_file *file, off_t length, int64_t size)
{
    return length < size && atomic_load(&file->state->end) < 0
           && (file->state->opened_with & O_CREAT) == 0 && atomic_load(&file->lock) >= 0;
}

static int truncate_open(struct open_file *file, off_t length)
{
    if (length < 0 || !open_file_is_writable(file)) {
        return -EINVAL;
    }
    int64_t size = open_file_size(file);
    if (size < 0) {
        return (int) size;
    }
    if (length > size) {
        return -ENOSPC;
    }
    return is_to_shrink(file, length, size) ? -EPERM : open_file_truncate(file, length);
}

HOOK int ftruncate(int fd, off_t length)
{
    struct open_file *file = descriptor_enter(fd);
    if (file == NULL) {
        int result = REAL(ftruncate)(fd, length);
        return is_image_after_all(result, fd) ? ftruncate(fd, length) : result;
    }
    return (int) leave(file, CALL_ftruncate, truncate_open(file, length));
}

/* The end is forgotten with this call's open, unless somebody has one who has truncated it before. */
static int truncate_part(const struct image_path *target, off_t length, int64_t size)
{
    struct image_part part;
    rbdw_file *image;
    if (length > size) {
        return -ENOSPC;
    }
    int error = image_open_part(target->path, target->identity, O_WRONLY, &part, &image);
    if (error < 0) {
        return error;
    }
    error = image_truncate(image, part.base, image_part_length(part.base, part.length), length);
    rbdw_close(image);
    return error;
}

static int truncate_path(const struct image_path *target, off_t length)
{
    struct stat status;
    if (length < 0) {
        return -EINVAL;
    }
    if (target->kind == PATH_ROOT) {
        return -EISDIR;
    }
    int error = image_stat_access(target, W_OK, true);
    if (error == 0) {
        error = image_stat_of_path(target, &status);
    }
    return error < 0 ? error : truncate_part(target, length, status.st_size);
}

HOOK int truncate(const char *path, off_t length)
{
    BY_PATH(truncate, AT_FDCWD, path, PATH_FOLLOW, REAL(truncate)(path, length),
            truncate_path(&target, length));
}

/* A hole is made by writing zeroes, which gives whole objects back as a discard does, because a
 * discard may leave parts of objects as they were, and a hole has to read as zeroes. */
static int allocate(struct open_file *file, int mode, off_t offset, off_t length)
{
    bool keeps_size = (mode & FALLOC_FL_KEEP_SIZE) != 0;
    int what = mode & ~FALLOC_FL_KEEP_SIZE;
    if (offset < 0 || length <= 0) {
        return -EINVAL;
    }
    if (what == FALLOC_FL_PUNCH_HOLE && !keeps_size) {
        return -EOPNOTSUPP;
    }
    if (!open_file_is_writable(file)) {
        return -EBADF;
    }
    if (offset > INT64_MAX - length) {
        return -EFBIG;
    }
    int64_t size = open_file_size(file);
    if (size < 0) {
        return (int) size;
    }
    if (what == FALLOC_FL_PUNCH_HOLE) {
        return open_file_write_zeroes(file, offset, length);
    }
    if (what != 0 && what != FALLOC_FL_ZERO_RANGE && what != FALLOC_FL_UNSHARE_RANGE) {
        return -EOPNOTSUPP; /* collapse and insert move what follows */
    }
    if (offset + length > size) {
        return -ENOSPC;
    }
    if (what == FALLOC_FL_ZERO_RANGE) {
        return open_file_write_zeroes(file, offset, length);
    }
    return keeps_size ? 0 : open_file_extend(file, offset + length);
}

HOOK int fallocate(int fd, int mode, off_t offset, off_t length)
{
    struct open_file *file = descriptor_enter_point(fd);
    if (file == NULL) {
        return REAL(fallocate)(fd, mode, offset, length);
    }
    return (int) leave(file, CALL_fallocate, allocate(file, mode, offset, length));
}

/* These two return the error. */
HOOK int posix_fallocate(int fd, off_t offset, off_t length)
{
    struct open_file *file = descriptor_enter(fd);
    if (file == NULL) {
        return REAL(posix_fallocate)(fd, offset, length);
    }
    int result = allocate(file, 0, offset, length);
    open_file_release(file);
    report_count(CALL_posix_fallocate);
    return -result;
}

HOOK int posix_fadvise(int fd, off_t offset, off_t length, int advice)
{
    struct open_file *file = descriptor_enter(fd);
    if (file == NULL) {
        return REAL(posix_fadvise)(fd, offset, length, advice);
    }
    if (advice <= POSIX_FADV_SEQUENTIAL) { /* NORMAL, RANDOM, SEQUENTIAL: of the whole file */
        atomic_store(&file->read_ahead.is_off, advice == POSIX_FADV_RANDOM);
    }
    open_file_release(file);
    report_count(CALL_posix_fadvise);
    return length < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE ? EINVAL : 0;
}

HOOK ssize_t readahead(int fd, off_t offset, size_t count)
{
    struct open_file *file = descriptor_enter(fd);
    if (file == NULL) {
        return REAL(readahead)(fd, offset, count);
    }
    return leave(file, CALL_readahead, open_file_is_readable(file) ? 0 : -EBADF);
}

ALIAS(lseek64, lseek);
ALIAS(__lseek, lseek);
ALIAS(llseek, lseek);
ALIAS(ftruncate64, ftruncate);
ALIAS(truncate64, truncate);
ALIAS(fallocate64, fallocate);
ALIAS(posix_fallocate64, posix_fallocate);
ALIAS(posix_fadvise64, posix_fadvise);
