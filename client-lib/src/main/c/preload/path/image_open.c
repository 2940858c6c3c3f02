#include "image_open.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "descriptors.h"
#include "image.h"
#include "partition.h"
#include "real.h"
#include "report.h"
#include "working_directory.h"

/* Of open(2)'s flags: those that end with the call, and are not seen by F_GETFL. */
#define OPEN_ONLY (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC | O_DIRECTORY)

/* What F_GETFL shows of every file that a 64-bit program has opened. */
#if defined(__aarch64__)
#define KERNEL_LARGEFILE 0400000
#else
#define KERNEL_LARGEFILE 0100000
#endif

static ssize_t read_table(void *image, void *buffer, size_t length, off_t offset)
{
    return rbdw_pread(image, buffer, length, offset);
}

static int find_partition(rbdw_file *image, struct image_part *part)
{
    struct partition found;
    int64_t size = image_size_at_open(image);
    int error = size < 0 ? (int) size
                         : partition_find(read_table, image, size, part->partition, &found);
    if (error < 0) {
        return error == -ENXIO ? -ENOENT : error;
    }
    part->base = found.base;
    part->length = found.length;
    return 0;
}

static int open_path(const char *path, int access_mode, struct image_part *part, rbdw_file **image)
{
    part->partition = 0;
    part->base = 0;
    part->length = -1;
    strcpy(part->image, path);
    int error = rbdw_open(path, access_mode, image);
    if (error != -ENOENT || !partition_split(path, part->image, &part->partition)) {
        return error;
    }
    /* the table is read, whatever the partition is opened for */
    rbdw_file *reader;
    error = rbdw_open(part->image, O_RDONLY, &reader);
    if (error == 0) {
        error = find_partition(reader, part);
        rbdw_close(reader);
    }
    return error < 0 ? error : rbdw_open(part->image, access_mode, image);
}

int image_open_part(const char *path, const char *identity, int access_mode, struct image_part *part,
                    rbdw_file **image)
{
    int error = open_path(path, access_mode, part, image);
    if (error == 0 && identity[0] != '\0' && strcmp(identity, image_identity(*image)) != 0) {
        rbdw_close(*image);
        return -ESTALE;
    }
    return error;
}

/* As a device without its driver. */
static int without_broker(int error)
{
    return error == -ECONNREFUSED ? -ENXIO : error;
}

/* Not where it is opened for reading only, which truncates a file, but says nothing of what is to be
 * written: nobody writes by this descriptor. */
static bool truncates(int flags)
{
    return (flags & O_TRUNC) != 0 && (flags & O_ACCMODE) != O_RDONLY && (flags & O_PATH) == 0;
}

int64_t image_part_length(int64_t base, int64_t length)
{
    return length >= 0 ? length : INT64_MAX - base;
}

static int make_descriptor(const char *path, int flags, const struct image_part *part,
                           rbdw_file *image)
{
    struct open_state initial = {
        .flags = ((uint32_t) flags & ~(uint32_t) OPEN_ONLY) | KERNEL_LARGEFILE,
        .partition = part->partition,
        .opened_with = (uint32_t) flags & O_CREAT,
        .base = part->base,
        .length = part->length,
        .end = truncates(flags) ? 0 : -1,
    };
    if (strlen(path) >= sizeof initial.path || strlen(part->image) >= sizeof initial.image) {
        return -ENAMETOOLONG;
    }
    strcpy(initial.path, path);
    strcpy(initial.image, part->image);
    int64_t size = part->length >= 0 ? part->length : image_size_at_open(image);
    if (size < 0) {
        return (int) size;
    }
    struct open_state *state;
    int fd = placeholder_make(image, &initial, flags & O_CLOEXEC, &state);
    if (fd < 0) {
        return fd;
    }
    struct open_file *file = fd < DESCRIPTORS_MAX ? open_file_new(state, image) : NULL;
    if (file == NULL) {
        placeholder_unmap(state);
        REAL(close)(fd);
        return -EMFILE;
    }
    atomic_store_explicit(&file->size, size, memory_order_relaxed);
    image_share_end(image, &state->end);
    descriptor_set(fd, file);
    return fd;
}

static int open_root(int flags)
{
    if ((flags & O_TMPFILE) == O_TMPFILE) {
        return -EOPNOTSUPP;
    }
    if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0) {
        return -EISDIR;
    }
    return root_directory_open(flags);
}

static int open_part(const char *path, const char *identity, int flags)
{
    struct image_part part;
    rbdw_file *image;
    int access_mode = flags & O_ACCMODE;
    if (access_mode == O_ACCMODE) {
        return -EINVAL;
    }
    int error = image_open_part(path, identity, access_mode, &part, &image);
    if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0
        && (error == 0 || error == -EACCES || error == -EROFS)) {
        if (error == 0) {
            rbdw_close(image);
        }
        return -EEXIST;
    }
    if (error < 0) {
        report_line("open %s: %s", path, rbdw_error_text());
        return without_broker(error);
    }
    if ((flags & O_DIRECTORY) != 0) {
        rbdw_close(image);
        return -ENOTDIR;
    }
    if (truncates(flags)) {
        error = image_truncate(image, part.base, image_part_length(part.base, part.length), 0);
        if (error < 0) {
            report_line("truncation of %s: %s", path, rbdw_error_text());
            rbdw_close(image);
            return error;
        }
    }
    int fd = make_descriptor(path, flags, &part, image);
    if (fd < 0) {
        report_line("open %s: no placeholder for it: %s", path, strerrordesc_np(-fd));
        rbdw_close(image);
    }
    return fd;
}

int image_open(const struct image_path *target, int flags)
{
    if (target->kind == PATH_ROOT) {
        return open_root(flags);
    }
    if (strchr(target->path + sizeof IMAGE_ROOT, '/') != NULL) {
        return -ENOTDIR; /* an image is no directory; that it may not exist is not asked */
    }
    int fd = open_part(target->path, target->identity, flags);
    if (fd >= 0 && target->ends_with_slash) {
        REAL(close)(fd);
        descriptor_set(fd, NULL);
        return -ENOTDIR;
    }
    return fd;
}
