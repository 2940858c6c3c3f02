/* fsync(2) and its kin: all of them make durable what was written to the image. */

#include <unistd.h>

#include "hook.h"

HOOK int fsync(int fd)
{
    struct open_file *file = descriptor_enter_point(fd);
    if (file == NULL) {
        int result = REAL(fsync)(fd);
        return is_image_after_all(result, fd) ? fsync(fd) : result;
    }
    return (int) leave(file, CALL_fsync, open_file_flush(file));
}

HOOK int fdatasync(int fd)
{
    struct open_file *file = descriptor_enter_point(fd);
    if (file == NULL) {
        int result = REAL(fdatasync)(fd);
        return is_image_after_all(result, fd) ? fdatasync(fd) : result;
    }
    return (int) leave(file, CALL_fdatasync, open_file_flush(file));
}

HOOK int syncfs(int fd)
{
    struct open_file *file = descriptor_enter(fd);
    if (file == NULL) {
        return REAL(syncfs)(fd);
    }
    return (int) leave(file, CALL_syncfs, open_file_flush(file));
}

static int sync_range(struct open_file *file, off_t offset, off_t length, unsigned flags)
{
    unsigned known =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    if (offset < 0 || length < 0 || offset > INT64_MAX - length || (flags & ~known) != 0) {
        return -EINVAL;
    }
    return flags == 0 ? 0 : open_file_flush(file);
}

HOOK int sync_file_range(int fd, off_t offset, off_t length, unsigned flags)
{
    struct open_file *file = descriptor_enter_point(fd);
    if (file == NULL) {
        return REAL(sync_file_range)(fd, offset, length, flags);
    }
    return (int) leave(file, CALL_sync_file_range, sync_range(file, offset, length, flags));
}
