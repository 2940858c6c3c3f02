/* read(2), write(2) and their kin. */

#include <unistd.h>

#include "hook.h"

HOOK ssize_t read(int fd, void *buffer, size_t count)
{
    struct open_file *file = descriptor_enter_point(fd);
    if (file == NULL) {
        ssize_t result = REAL(read)(fd, buffer, count);
        return is_image_after_all(result, fd) ? read(fd, buffer, count) : result;
    }
    return leave_transfer(file, CALL_read, open_file_read(file, buffer, count));
}

HOOK ssize_t write(int fd, const void *buffer, size_t count)
{
    struct open_file *file = descriptor_enter_point(fd);
    if (file == NULL) {
        ssize_t result = REAL(write)(fd, buffer, count);
        return is_image_after_all(result, fd) ? write(fd, buffer, count) : result;
    }
    return leave_transfer(file, CALL_write, open_file_write(file, buffer, count));
}

HOOK ssize_t pread(int fd, void *buffer, size_t count, off_t offset)
{
    struct open_file *file = descriptor_enter_point(fd);
    if (file == NULL) {
        ssize_t result = REAL(pread)(fd, buffer, count, offset);
        return is_image_after_all(result, fd) ? pread(fd, buffer, count, offset) : result;
    }
    return leave_transfer(file, CALL_pread, open_file_pread(file, buffer, count, offset));
}

HOOK ssize_t pwrite(int fd, const void *buffer, size_t count, off_t offset)
{
    struct open_file *file = descriptor_enter_point(fd);
    if (file == NULL) {
        ssize_t result = REAL(pwrite)(fd, buffer, count, offset);
        return is_image_after_all(result, fd) ? pwrite(fd, buffer, count, offset) : result;
    }
    return leave_transfer(file, CALL_pwrite, open_file_pwrite(file, buffer, count, offset));
}

HOOK ssize_t readv(int fd, const struct iovec *vector, int count)
{
    struct open_file *file = descriptor_enter_point(fd);
    if (file == NULL) {
        return REAL(readv)(fd, vector, count);
    }
    return leave_transfer(file, CALL_readv, open_file_readv(file, vector, count));
}

HOOK ssize_t writev(int fd, const struct iovec *vector, int count)
{
    struct open_file *file = descriptor_enter_point(fd);
    if (file == NULL) {
        return REAL(writev)(fd, vector, count);
    }
    return leave_transfer(file, CALL_writev, open_file_writev(file, vector, count));
}

HOOK ssize_t preadv(int fd, const struct iovec *vector, int count, off_t offset)
{
    struct open_file *file = descriptor_enter_point(fd);
    if (file == NULL) {
        return REAL(preadv)(fd, vector, count, offset);
    }
    return leave_transfer(file, CALL_preadv, open_file_preadv(file, vector, count, offset));
}

HOOK ssize_t pwritev(int fd, const struct iovec *vector, int count, off_t offset)
{
    struct open_file *file = descriptor_enter_point(fd);
    if (file == NULL) {
        return REAL(pwritev)(fd, vector, count, offset);
    }
    return leave_transfer(file, CALL_pwritev, open_file_pwritev(file, vector, count, offset));
}

/* The flags of the v2 forms: haste (RWF_HIPRI) may be ignored; that a call would not wait
 * (RWF_NOWAIT) cannot be promised. */
static ssize_t read_with_flags(struct open_file *file, const struct iovec *vector, int count,
                               off_t offset, int flags)
{
    if ((flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC)) != 0) {
        return -EOPNOTSUPP;
    }
    return offset == -1 ? open_file_readv(file, vector, count)
                        : open_file_preadv(file, vector, count, offset);
}

static ssize_t write_with_flags(struct open_file *file, const struct iovec *vector, int count,
                                off_t offset, int flags)
{
    if ((flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND)) != 0) {
        return -EOPNOTSUPP;
    }
    if ((flags & RWF_APPEND) != 0 && offset >= -1 && open_file_is_writable(file)) {
        offset = open_file_size(file); /* where nothing can be added */
        if (offset < 0) {
            return offset;
        }
    }
    ssize_t result = offset == -1 ? open_file_writev(file, vector, count)
                                  : open_file_pwritev(file, vector, count, offset);
    if (result > 0 && (flags & (RWF_DSYNC | RWF_SYNC)) != 0) {
        int error = open_file_flush(file);
        return error < 0 ? error : result;
    }
    return result;
}

HOOK ssize_t preadv2(int fd, const struct iovec *vector, int count, off_t offset, int flags)
{
    struct open_file *file = descriptor_enter_point(fd);
    if (file == NULL) {
        return REAL(preadv2)(fd, vector, count, offset, flags);
    }
    return leave_transfer(file, CALL_preadv2,
                          read_with_flags(file, vector, count, offset, flags));
}

HOOK ssize_t pwritev2(int fd, const struct iovec *vector, int count, off_t offset, int flags)
{
    struct open_file *file = descriptor_enter_point(fd);
    if (file == NULL) {
        return REAL(pwritev2)(fd, vector, count, offset, flags);
    }
    return leave_transfer(file, CALL_pwritev2,
                          write_with_flags(file, vector, count, offset, flags));
}

extern ssize_t __read_chk(int fd, void *buffer, size_t count, size_t room);
extern ssize_t __pread_chk(int fd, void *buffer, size_t count, off_t offset, size_t room);

HOOK ssize_t __read_chk(int fd, void *buffer, size_t count, size_t room)
{
    if (count > room) {
        __chk_fail();
    }
    return read(fd, buffer, count);
}

HOOK ssize_t __pread_chk(int fd, void *buffer, size_t count, off_t offset, size_t room)
{
    if (count > room) {
        __chk_fail();
    }
    return pread(fd, buffer, count, offset);
}

ALIAS(__read, read);
ALIAS(__write, write);
ALIAS(pread64, pread);
ALIAS(__pread64, pread);
ALIAS(pwrite64, pwrite);
ALIAS(__pwrite64, pwrite);
ALIAS(preadv64, preadv);
ALIAS(pwritev64, pwritev);
ALIAS(preadv64v2, preadv2);
ALIAS(pwritev64v2, pwritev2);
ALIAS(__pread64_chk, __pread_chk);
