/* Bytes between memory and the file: read(2), write(2) and their kin, asynchronous I/O, mmap(2). */

#include <aio.h>
#include <errno.h>
#include <linux/aio_abi.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runner.h"

#define PARTS 3

static bool_t is_write(enum kind kind)
{
    return kind == WRITE || kind == PWRITE || kind == WRITEV || kind == PWRITEV
           || kind == PWRITEV2 || kind == RAW_WRITE;
}

/* Uneven parts, one of them empty at times. */
static void divide(const struct runner *runner, const struct operation *operation,
                   struct iovec parts[PARTS])
{
    size_t length = (size_t) operation->length;
    size_t first = operation->seed % (length + 1);
    size_t second = operation->seed / 7 % (length - first + 1);
    parts[0] = (struct iovec) {runner->buffer, first};
    parts[1] = (struct iovec) {runner->buffer + first, second};
    parts[2] = (struct iovec) {runner->buffer + first + second, length - first - second};
}

static ssize_t transfer(const struct runner *runner, const struct operation *operation)
{
    int fd = runner->fds[operation->slot];
    void *buffer = runner->buffer;
    size_t length = (size_t) operation->length;
    off_t offset = operation->offset;
    struct iovec parts[PARTS];
    divide(runner, operation, parts);
    int count = operation->seed % 50 == 0 ? -1 : PARTS;
    switch (operation->kind) {
    case READ:
        return read(fd, buffer, length);
    case WRITE:
        return write(fd, buffer, length);
    case PREAD:
        return pread(fd, buffer, length, offset);
    case PWRITE:
        return pwrite(fd, buffer, length, offset);
    case READV:
        return readv(fd, parts, count);
    case WRITEV:
        return writev(fd, parts, count);
    case PREADV:
        return preadv(fd, parts, count, offset);
    case PWRITEV:
        return pwritev(fd, parts, count, offset);
    case PREADV2:
        return preadv2(fd, parts, count, offset, operation->flags);
    case PWRITEV2:
        return pwritev2(fd, parts, count, offset, operation->flags);
    case RAW_READ:
        return operation->flags % 2 == 0 ? syscall(SYS_read, fd, buffer, length)
                                         : syscall(SYS_pread64, fd, buffer, length, offset);
    default:
        return operation->flags % 2 == 0 ? syscall(SYS_write, fd, buffer, length)
                                         : syscall(SYS_pwrite64, fd, buffer, length, offset);
    }
}

static void run_and_record(struct runner *runner, const struct operation *operation)
{
    if (is_write(operation->kind)) {
        bytes_to_write(runner, operation);
    }
    ssize_t done = transfer(runner, operation);
    record(runner, done);
    if (!is_write(operation->kind)) {
        note_bytes(runner, runner->buffer, done);
    }
}

static void map(struct runner *runner, const struct operation *operation)
{
    int protection = operation->flags % 5 == 0 ? PROT_READ | PROT_WRITE : PROT_READ;
    int type = operation->flags % 2 == 0 ? MAP_PRIVATE : MAP_SHARED;
    int fd = runner->fds[operation->slot];
    size_t length = (size_t) operation->length;
    off_t offset = operation->offset / 4096 * 4096;
    /* an image has no shared mapping; the kernel looks at the length first */
    if (!runner->world->is_image && type == MAP_SHARED && fd >= 0 && length > 0
        && offset >= 0) {
        void *map = mmap(NULL, length, protection, type, fd, offset);
        if (map != MAP_FAILED) {
            munmap(map, length);
            record_error(runner, ENODEV);
            return;
        }
        record(runner, -1);
        return;
    }
    unsigned char *map = mmap(NULL, length, protection, type, fd, offset);
    record(runner, map == MAP_FAILED ? -1 : 0);
    if (map == MAP_FAILED) {
        return;
    }
    int64_t left = FILE_SIZE - offset;
    note_bytes(runner, map, left < operation->length ? left : operation->length);
    if (protection != PROT_READ && left > 0) {
        map[0] = 'x'; /* private: nobody else sees it */
        note_bytes(runner, map, 1);
    }
    munmap(map, length);
}

static void posix_aio(struct runner *runner, const struct operation *operation)
{
    struct aiocb block = {
        .aio_fildes = runner->fds[operation->slot],
        .aio_buf = runner->buffer,
        .aio_nbytes = (size_t) operation->length,
        .aio_offset = operation->offset,
    };
    const struct aiocb *list[1] = {&block};
    bool_t writes = operation->flags % 2;
    if (writes) {
        bytes_to_write(runner, operation);
    }
    int result = writes ? aio_write(&block) : aio_read(&block);
    if (result < 0) {
        record(runner, result);
        return;
    }
    while (aio_error(&block) == EINPROGRESS) {
        aio_suspend(list, 1, NULL);
    }
    int error = aio_error(&block);
    ssize_t done = aio_return(&block);
    if (error != 0) {
        record_error(runner, error);
    } else {
        record(runner, done);
        note_bytes(runner, runner->buffer, writes ? 0 : done);
    }
}

static int64_t submit_and_wait(struct runner *runner, const struct operation *operation,
                               aio_context_t context)
{
    struct io_event event = {0};
    struct iocb block = {
        .aio_lio_opcode = operation->flags % 2 == 0 ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE,
        .aio_fildes = (uint32_t) runner->fds[operation->slot],
        .aio_buf = (uint64_t) (uintptr_t) runner->buffer,
        .aio_nbytes = (uint64_t) operation->length,
        .aio_offset = operation->offset,
    };
    struct iocb *blocks[1] = {&block};
    long submitted = syscall(SYS_io_submit, context, 1L, blocks);
    if (submitted != 1) {
        return -1;
    }
    if (syscall(SYS_io_getevents, context, 1L, 1L, &event, NULL) != 1) {
        return -1;
    }
    if (event.res < 0) {
        errno = (int) -event.res;
        return -1;
    }
    return event.res;
}

static void linux_aio(struct runner *runner, const struct operation *operation)
{
    aio_context_t context = 0;
    if (syscall(SYS_io_setup, 4L, &context) < 0) {
        record(runner, -1);
        return;
    }
    if (operation->flags % 2 != 0) {
        bytes_to_write(runner, operation);
    }
    int64_t done = submit_and_wait(runner, operation, context);
    record(runner, done);
    note_bytes(runner, runner->buffer, operation->flags % 2 == 0 ? done : 0);
    syscall(SYS_io_destroy, context);
}

bool_t run_transfer(struct runner *runner, const struct operation *operation)
{
    switch (operation->kind) {
    case READ:
    case PREAD:
    case READV:
    case PREADV:
    case PREADV2:
    case RAW_READ:
    case WRITE:
    case PWRITE:
    case WRITEV:
    case PWRITEV:
    case PWRITEV2:
    case RAW_WRITE:
        run_and_record(runner, operation);
        return 1;
    case MMAP:
        map(runner, operation);
        return 1;
    case POSIX_AIO:
        posix_aio(runner, operation);
        return 1;
    case LINUX_AIO:
        linux_aio(runner, operation);
        return 1;
    default:
        return 0;
    }
}
