/* ioctl(2): what a block device tells and does, and what every file has. */

#include <limits.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hook.h"
#include "user_copy.h"

#define SECTOR 512           /* bytes: what an image can be addressed by */
#define PHYSICAL_BLOCK 4096  /* bytes: what is written without reading first */
#define BEST_TRANSFER 65536  /* bytes */

#ifndef BLKGETDISKSEQ
#define BLKGETDISKSEQ _IOR(0x12, 128, uint64_t)
#endif

/* Answers of these types, as the kernel's header gives them. */
static int give_int(void *argument, int value)
{
    return user_copy_all(argument, &value, sizeof value);
}

static int give_short(void *argument, unsigned short value)
{
    return user_copy_all(argument, &value, sizeof value);
}

static int give_long(void *argument, long value)
{
    return user_copy_all(argument, &value, sizeof value);
}

static int give_size(struct open_file *file, void *argument, int64_t unit)
{
    int64_t size = open_file_size(file);
    return size < 0 ? (int) size : give_long(argument, (long) (size / unit));
}

static int change_range(struct open_file *file, const void *argument,
                        int (*change)(struct open_file *, off_t, off_t))
{
    uint64_t range[2]; /* begin and length, bytes */
    if (user_copy_all(range, argument, sizeof range) < 0) {
        return -EFAULT;
    }
    if (!open_file_is_writable(file)) {
        return -EBADF;
    }
    int64_t size = open_file_size(file);
    if (size < 0) {
        return (int) size;
    }
    if (range[0] % SECTOR != 0 || range[1] % SECTOR != 0 || range[0] > (uint64_t) size
        || range[1] > (uint64_t) size - range[0]) {
        return -EINVAL;
    }
    return range[1] == 0 ? 0 : change(file, (off_t) range[0], (off_t) range[1]);
}

static int left_to_read(struct open_file *file, void *argument)
{
    int64_t size = open_file_size(file);
    int64_t left = size - atomic_load(&file->state->position);
    return size < 0 ? (int) size : give_int(argument, left > INT_MAX ? INT_MAX : (int) left);
}

static int set_flag(struct open_file *file, uint32_t flag, const void *argument)
{
    int on;
    if (user_copy_all(&on, argument, sizeof on) < 0) {
        return -EFAULT;
    }
    if (on) {
        atomic_fetch_or(&file->state->flags, flag);
    } else {
        atomic_fetch_and(&file->state->flags, ~flag);
    }
    return 0;
}

static int set_close_on_exec(int fd, int flag)
{
    return REAL(fcntl)(fd, F_SETFD, flag) < 0 ? -errno : 0;
}

static int device_control(struct open_file *file, unsigned long request, void *argument)
{
    switch (request) {
    case BLKGETSIZE64:
        return give_size(file, argument, 1);
    case BLKGETSIZE:
        return give_size(file, argument, SECTOR);
    case BLKSSZGET:
        return give_int(argument, SECTOR);
    case BLKPBSZGET:
    case BLKIOMIN:
    case BLKBSZGET:
        return give_int(argument, PHYSICAL_BLOCK);
    case BLKIOOPT:
        return give_int(argument, BEST_TRANSFER);
    case BLKALIGNOFF:
    case BLKDISCARDZEROES:
        return give_int(argument, 0);
    case BLKROTATIONAL:
        return give_short(argument, 0);
    case BLKSECTGET:
        return give_short(argument, 0xffff);
    case BLKROGET:
        return give_int(argument, open_file_is_writable(file) ? 0 : 1);
    case BLKROSET:
        return -EACCES;
    case BLKRAGET:
    case BLKFRAGET:
        return give_long(argument, 0);
    case BLKRASET:
    case BLKFRASET:
    case BLKBSZSET:
    case BLKRRPART: /* partitions are read when they are opened */
        return 0;
    case BLKFLSBUF:
        return open_file_flush(file);
    case BLKDISCARD:
        return change_range(file, argument, open_file_discard);
    case BLKZEROOUT:
        return change_range(file, argument, open_file_write_zeroes);
    case BLKSECDISCARD:
        return -EOPNOTSUPP;
    default:
        return -ENOTTY;
    }
}

static int control(struct open_file *file, int fd, unsigned long request, void *argument)
{
    switch (request) {
    case FIGETBSZ:
        return give_int(argument, PHYSICAL_BLOCK);
    case FIONREAD:
        return left_to_read(file, argument);
    case FIONBIO:
        return set_flag(file, O_NONBLOCK, argument);
    case FIOASYNC:
        return set_flag(file, O_ASYNC, argument);
    case FIOCLEX:
        return set_close_on_exec(fd, FD_CLOEXEC);
    case FIONCLEX:
        return set_close_on_exec(fd, 0);
    case FS_IOC_FIEMAP:
    case FICLONE:
    case FICLONERANGE:
    case FIDEDUPERANGE:
        return -EOPNOTSUPP;
    default: {
        int result = device_control(file, request, argument);
        if (result == -ENOTTY && request != TCGETS) {
            report_fell_through(CALL_ioctl);
        }
        return result;
    }
    }
}

HOOK int ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    struct open_file *file = descriptor_enter(fd);
    if (file == NULL) {
        return REAL(ioctl)(fd, request, argument);
    }
    return (int) leave(file, CALL_ioctl, control(file, fd, request, argument));
}

/* Inside the C library it asks the kernel. */
HOOK int isatty(int fd)
{
    if (descriptor_is_image(fd)) {
        report_count(CALL_isatty);
        errno = ENOTTY;
        return 0;
    }
    return REAL(isatty)(fd);
}
