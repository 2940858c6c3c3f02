/* stat(2) and its kin. */

#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "hook.h"
#include "image_stat.h"
#include "working_directory.h"

/* The stand-in for /rbdw has no links left: few other directories have none. */
static int passed(int result, int fd, struct stat *status)
{
    if (result == 0 && S_ISDIR(status->st_mode) && status->st_nlink == 0
        && root_directory_is(fd)) {
        image_stat_of_root(status);
    }
    return result;
}

static int of_path(enum call call, const struct image_path *target, struct stat *status)
{
    report_count(call);
    return (int) as_result(image_stat_of_path(target, status));
}

static int stat_at(enum call call, int directory, const char *path, struct stat *status, int flags)
{
    struct image_path target;
    enum path_follow follow = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? PATH_NOFOLLOW : PATH_FOLLOW;
    if (path_is_image(path, follow, &target)) {
        return of_path(call, &target, status);
    }
    int result = call == CALL_stat    ? REAL(stat)(path, status)
                 : call == CALL_lstat ? REAL(lstat)(path, status)
                                      : REAL(fstatat)(directory, path, status, flags);
    if (result < 0 && errno == ENOENT
        && path_leads_to_image(directory, path, follow, &target)) {
        if (target.kind == PATH_HOST) {
            return stat_at(call, AT_FDCWD, target.path, status, flags);
        }
        return of_path(call, &target, status);
    }
    bool is_directory_itself = result == 0 && (strcmp(path, ".") == 0 || *path == '\0');
    return is_directory_itself ? passed(result, directory, status) : result;
}

HOOK int stat(const char *path, struct stat *status)
{
    return stat_at(CALL_stat, AT_FDCWD, path, status, 0);
}

HOOK int lstat(const char *path, struct stat *status)
{
    return stat_at(CALL_lstat, AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}

HOOK int fstat(int fd, struct stat *status)
{
    struct open_file *file = descriptor_acquire(fd);
    if (file == NULL) {
        return passed(REAL(fstat)(fd, status), fd, status);
    }
    return (int) leave(file, CALL_fstat, image_stat_of_file(file, status));
}

static bool means_descriptor(const char *path, int flags)
{
    return (flags & AT_EMPTY_PATH) != 0 && (path == NULL || *path == '\0');
}

HOOK int fstatat(int directory, const char *path, struct stat *status, int flags)
{
    if (descriptor_is_image(directory) && (path == NULL || *path != '/')) {
        return means_descriptor(path, flags) ? fstat(directory, status)
                                             : (int) as_result(-ENOTDIR);
    }
    return stat_at(CALL_fstatat, directory, path, status, flags);
}

static struct statx_timestamp timestamp(struct timespec time)
{
    return (struct statx_timestamp) {.tv_sec = time.tv_sec, .tv_nsec = (uint32_t) time.tv_nsec};
}

static void to_statx(const struct stat *from, struct statx *to)
{
    memset(to, 0, sizeof *to);
    to->stx_mask = STATX_BASIC_STATS;
    to->stx_blksize = (uint32_t) from->st_blksize;
    to->stx_nlink = (uint32_t) from->st_nlink;
    to->stx_uid = from->st_uid;
    to->stx_gid = from->st_gid;
    to->stx_mode = (uint16_t) from->st_mode;
    to->stx_ino = from->st_ino;
    to->stx_size = (uint64_t) from->st_size;
    to->stx_blocks = (uint64_t) from->st_blocks;
    to->stx_atime = timestamp(from->st_atim);
    to->stx_ctime = timestamp(from->st_ctim);
    to->stx_mtime = timestamp(from->st_mtim);
    to->stx_dev_major = major(from->st_dev);
    to->stx_dev_minor = minor(from->st_dev);
}

static int statx_of(long error, const struct stat *status, struct timespec created,
                    struct statx *result)
{
    report_count(CALL_statx);
    if (error < 0) {
        return (int) as_result(error);
    }
    to_statx(status, result);
    result->stx_mask |= STATX_BTIME;
    result->stx_btime = timestamp(created);
    return 0;
}

HOOK int statx(int directory, const char *path, int flags, unsigned mask, struct statx *result)
{
    struct image_path target;
    struct stat status;
    struct timespec created = {0};
    enum path_follow follow = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? PATH_NOFOLLOW : PATH_FOLLOW;
    struct open_file *file =
        path == NULL || *path != '/' ? descriptor_acquire(directory) : NULL;
    if (file != NULL) {
        int error = means_descriptor(path, flags)
                        ? image_stat_with_birth_of_file(file, &status, &created)
                        : -ENOTDIR;
        open_file_release(file);
        return statx_of(error, &status, created, result);
    }
    if (path_is_image(path, follow, &target)) {
        int error = image_stat_with_birth_of_path(&target, &status, &created);
        return statx_of(error, &status, created, result);
    }
    int passed_on = REAL(statx)(directory, path, flags, mask, result);
    if (passed_on < 0 && errno == ENOENT
        && path_leads_to_image(directory, path, follow, &target)) {
        if (target.kind == PATH_HOST) {
            return REAL(statx)(AT_FDCWD, target.path, flags, mask, result);
        }
        int error = image_stat_with_birth_of_path(&target, &status, &created);
        return statx_of(error, &status, created, result);
    }
    if (passed_on == 0 && S_ISDIR(result->stx_mode) && result->stx_nlink == 0
        && (*path == '\0' || strcmp(path, ".") == 0) && root_directory_is(directory)) {
        image_stat_of_root(&status);
        to_statx(&status, result);
    }
    return passed_on;
}

/* How programs built with a glibc before 2.33 call them; version is the layout's, of which 64-bit
 * systems have one. */
extern int __xstat(int version, const char *path, struct stat *status);
extern int __lxstat(int version, const char *path, struct stat *status);
extern int __fxstat(int version, int fd, struct stat *status);
extern int __fxstatat(int version, int directory, const char *path, struct stat *status, int flags);

HOOK int __xstat(int version, const char *path, struct stat *status)
{
    (void) version;
    return stat(path, status);
}

HOOK int __lxstat(int version, const char *path, struct stat *status)
{
    (void) version;
    return lstat(path, status);
}

HOOK int __fxstat(int version, int fd, struct stat *status)
{
    (void) version;
    return fstat(fd, status);
}

HOOK int __fxstatat(int version, int directory, const char *path, struct stat *status, int flags)
{
    (void) version;
    return fstatat(directory, path, status, flags);
}

ALIAS(stat64, stat);
ALIAS(lstat64, lstat);
ALIAS(fstat64, fstat);
ALIAS(fstatat64, fstatat);
ALIAS(__xstat64, __xstat);
ALIAS(__lxstat64, __lxstat);
ALIAS(__fxstat64, __fxstat);
ALIAS(__fxstatat64, __fxstatat);
