/* statfs(2) and statvfs(3). */

#include <string.h>

#include "by_path.h"
#include "fault.h"
#include "image_stat.h"

#define MAGIC 0x72626477 /* "rbdw": of a file system that the kernel does not have */
#define BLOCK 4096       /* bytes */

/* What a writer may still write: an image all over. How much that is of all that are mapped, whose sizes
 * nobody has asked for, is not known of their directory: who asks there has one of them in mind, and must
 * not be refused for another. */
static fsblkcnt_t blocks(const struct stat *status)
{
    return S_ISDIR(status->st_mode) ? INT64_MAX / BLOCK
                                    : (fsblkcnt_t) (status->st_size + BLOCK - 1) / BLOCK;
}

static int give(int error, const struct stat *status, struct statfs *result)
{
    if (error < 0) {
        return error;
    }
    struct statfs found = {
        .f_type = MAGIC,
        .f_bsize = BLOCK,
        .f_frsize = BLOCK,
        .f_blocks = blocks(status),
        .f_bfree = blocks(status),
        .f_bavail = blocks(status),
        .f_files = 1,
        .f_namelen = NAME_MAX,
    };
    return fault_copy(result, &found, sizeof found);
}

static int of_path(const struct image_path *target, struct statfs *result)
{
    struct stat status;
    return give(image_stat_of_path(target, &status), &status, result);
}

static int of_file(struct open_file *file, struct statfs *result)
{
    struct stat status;
    return give(image_stat_of_file(file, &status), &status, result);
}

static int as_statvfs(int error, const struct statfs *from, struct statvfs *to)
{
    if (error == 0) {
        memset(to, 0, sizeof *to);
        to->f_bsize = (unsigned long) from->f_bsize;
        to->f_frsize = (unsigned long) from->f_frsize;
        to->f_blocks = from->f_blocks;
        to->f_bfree = from->f_bfree;
        to->f_bavail = from->f_bavail;
        to->f_files = from->f_files;
        to->f_namemax = (unsigned long) from->f_namelen;
    }
    return error;
}

static int statvfs_of_path(const struct image_path *target, struct statvfs *status)
{
    struct statfs known;
    return as_statvfs(of_path(target, &known), &known, status);
}

static int statvfs_of_file(struct open_file *file, struct statvfs *status)
{
    struct statfs known;
    return as_statvfs(of_file(file, &known), &known, status);
}

HOOK int statfs(const char *path, struct statfs *status)
{
    BY_PATH(statfs, AT_FDCWD, path, PATH_FOLLOW, REAL(statfs)(path, status),
            of_path(&target, status));
}

HOOK int fstatfs(int fd, struct statfs *status)
{
    struct open_file *file = descriptor_enter(fd);
    if (file == NULL) {
        return REAL(fstatfs)(fd, status);
    }
    return (int) leave(file, CALL_fstatfs, of_file(file, status));
}

HOOK int statvfs(const char *path, struct statvfs *status)
{
    BY_PATH(statvfs, AT_FDCWD, path, PATH_FOLLOW, REAL(statvfs)(path, status),
            statvfs_of_path(&target, status));
}

HOOK int fstatvfs(int fd, struct statvfs *status)
{
    struct open_file *file = descriptor_enter(fd);
    if (file == NULL) {
        return REAL(fstatvfs)(fd, status);
    }
    return (int) leave(file, CALL_fstatvfs, statvfs_of_file(file, status));
}

ALIAS(statfs64, statfs);
ALIAS(fstatfs64, fstatfs);
ALIAS(statvfs64, statvfs);
ALIAS(fstatvfs64, fstatvfs);
