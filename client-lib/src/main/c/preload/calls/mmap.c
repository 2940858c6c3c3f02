/* mmap(2) of an image: a copy of the range, in a memfd as long as the image is, so that what lies
 * beyond its end raises SIGBUS as it does for a file. A shared mapping is refused (ENODEV), as by a
 * file system that has none: nobody would bring what is written there to the image, and one that is
 * only read would not follow what others write; a mapping that is read-only is no promise, as another
 * one or another host may write the image. Programs then read instead. A snapshot never changes, so
 * its copy is as good as itself: it is mapped through a descriptor that is open for reading only,
 * which keeps mprotect(2) from making it writable.
 *
 * userfaultfd(2) would fetch pages when they are touched; but unprivileged it serves no page that a
 * system call touches, and so a write(2) from the mapping would fail. */

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hook.h"
#include "image.h"
#include "memory_file.h"

#define CHUNK (1024 * 1024) /* bytes: read at a time */
#define PAGE 4096           /* bytes: of zeroes, that need not be copied */

static bool is_zero(const char *bytes, size_t length)
{
    return length > 0 && bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

/* Bytes of the range, from where they were read to where they belong; holes where they are zero. */
static int put(int memory, const char *bytes, size_t length, off_t offset)
{
    for (size_t at = 0; at < length; at += PAGE) {
        size_t part = length - at < PAGE ? length - at : PAGE;
        if (!is_zero(bytes + at, part)
            && REAL(pwrite)(memory, bytes + at, part, offset + (off_t) at) != (ssize_t) part) {
            return errno == ENOSPC ? -ENOMEM : -errno;
        }
    }
    return 0;
}

static int copy(struct open_file *file, int memory, size_t length, off_t offset)
{
    char *chunk =
        REAL(mmap)(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int error = 0;
    if (chunk == MAP_FAILED) {
        return -errno;
    }
    while (error == 0 && length > 0) {
        size_t part = length < CHUNK ? length : CHUNK;
        ssize_t done = open_file_pread(file, chunk, part, offset);
        if (done <= 0) {
            error = (int) done; /* 0: the end */
            break;
        }
        error = put(memory, chunk, (size_t) done, offset);
        offset += done;
        length -= (size_t) done;
    }
    munmap(chunk, CHUNK);
    return error;
}

/* A memfd with the range in its place; an error. */
static int make_memory(struct open_file *file, size_t length, off_t offset)
{
    int64_t size = open_file_size(file);
    if (size < 0) {
        return (int) size;
    }
    int memory = memory_file_make("rbdw-mmap", MFD_CLOEXEC, size);
    if (memory < 0) {
        return memory == -EFBIG ? -ENOMEM : memory;
    }
    int error = copy(file, memory, length, offset);
    if (error < 0) {
        REAL(close)(memory);
        return error;
    }
    return memory;
}

/* Of a shared mapping: through a descriptor that allows no more than it does. */
static int reopen_read_only(int memory)
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", memory);
    int reader = REAL(open)(link, O_RDONLY | O_CLOEXEC);
    int error = -errno;
    REAL(close)(memory);
    return reader < 0 ? error : reader;
}

static int find_whether_it_may_change(struct open_file *file, bool *may_change)
{
    rbdw_file *image;
    struct image_stat known;
    int error = open_file_image(file, &image);
    if (error == 0) {
        error = image_stat_file(image, &known);
    }
    *may_change = error < 0 || !known.is_snapshot;
    return error;
}

static void *map(struct open_file *file, void *address, size_t length, int protection, int flags,
                 off_t offset)
{
    bool is_shared = (flags & MAP_TYPE) != MAP_PRIVATE;
    bool may_change = true;
    int error = is_shared ? find_whether_it_may_change(file, &may_change) : 0;
    errno = 0;
    if (length == 0 || offset % PAGE != 0) {
        errno = EINVAL;
    } else if (offset < 0) {
        errno = EOVERFLOW;
    } else if (!open_file_is_readable(file)
               || (is_shared && (protection & PROT_WRITE) != 0 && !open_file_is_writable(file))) {
        errno = EACCES;
    } else if (error < 0) {
        errno = -error;
    } else if (is_shared && may_change) {
        report_line("%s: a shared mapping is not possible (ENODEV)", file->state->path);
        report_fell_through(CALL_mmap);
        errno = ENODEV;
    }
    if (errno != 0) {
        return MAP_FAILED;
    }
    int memory = make_memory(file, length, offset);
    if (memory >= 0 && is_shared) {
        memory = reopen_read_only(memory);
    }
    if (memory < 0) {
        errno = -memory;
        return MAP_FAILED;
    }
    void *mapped = REAL(mmap)(address, length, protection, flags, memory, offset);
    error = errno;
    REAL(close)(memory);
    errno = error;
    return mapped;
}

HOOK void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    struct open_file *file = (flags & MAP_ANONYMOUS) != 0 ? NULL : descriptor_enter(fd);
    if (file == NULL) {
        return REAL(mmap)(address, length, protection, flags, fd, offset);
    }
    int error = errno;
    void *mapped = map(file, address, length, protection, flags, offset);
    if (mapped != MAP_FAILED) {
        errno = error;
    }
    open_file_release(file);
    report_count(CALL_mmap);
    return mapped;
}

ALIAS(mmap64, mmap);
