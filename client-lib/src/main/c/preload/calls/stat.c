/* stat(2) and its kin. */

#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fault.h"
#include "hook.h"
#include "image_stat.h"
#include "memory.h"
#include "working_directory.h"

/* The stand-in for /rbdw has no links left: few other directories have none. Nor has an image's descriptor that
 * came past every hook, as those do that are received by a system call of the program's own. */
static int passed(int result, int fd, struct stat *status)
{
    if (result == 0 && S_ISSOCK(status->st_mode) && status->st_nlink == 0 && descriptor_find(fd)) {
        struct open_file *file = descriptor_enter(fd);
        return file == NULL ? result : (int) leave(file, CALL_fstat, image_stat_of_file(file, status));
    }
    if (result == 0 && S_ISDIR(status->st_mode) && status->st_nlink == 0
        && root_directory_is(fd)) {
        image_stat_of_root(status);
    }
    return result;
}

/* Called only after the kernel has read the path, which may be NULL (a kernel from 6.11 on takes that for an
 * empty one). */
static bool means_directory_itself(const char *path)
{
    return path == NULL || *path == '\0' || strcmp(path, ".") == 0;
}

/* One of the names of stat, as it was called. */
struct stat_call {
    enum call name;
    int version;
    int directory;
    int flags;
};

static int pass_on(const struct stat_call *call, const char *path, struct stat *status)
{
    switch (call->name) {
    case CALL_stat:
        return REAL(stat)(path, status);
    case CALL_stat64:
        return REAL(stat64)(path, status);
    case CALL___xstat:
        return REAL(__xstat)(call->version, path, status);
    case CALL___xstat64:
        return REAL(__xstat64)(call->version, path, status);
    case CALL_lstat:
        return REAL(lstat)(path, status);
    case CALL_lstat64:
        return REAL(lstat64)(path, status);
    case CALL___lxstat:
        return REAL(__lxstat)(call->version, path, status);
    case CALL___lxstat64:
        return REAL(__lxstat64)(call->version, path, status);
    case CALL_fstatat64:
        return REAL(fstatat64)(call->directory, path, status, call->flags);
    case CALL___fxstatat:
        return REAL(__fxstatat)(call->version, call->directory, path, status, call->flags);
    case CALL___fxstatat64:
        return REAL(__fxstatat64)(call->version, call->directory, path, status, call->flags);
    default:
        return REAL(fstatat)(call->directory, path, status, call->flags);
    }
}

static enum call counted_as(const struct stat_call *call)
{
    bool has_directory = call->name == CALL_fstatat || call->name == CALL_fstatat64
                         || call->name == CALL___fxstatat || call->name == CALL___fxstatat64;
    return has_directory                                ? CALL_fstatat
           : (call->flags & AT_SYMLINK_NOFOLLOW) != 0 ? CALL_lstat
                                                        : CALL_stat;
}

/* To the program, unless there was an error. */
static int give_status(int error, const struct stat *found, struct stat *status)
{
    return error < 0 ? error : fault_copy(status, found, sizeof *found);
}

static int of_path(const struct stat_call *call, const struct image_path *target,
                   struct stat *status)
{
    struct stat found;
    report_count(counted_as(call));
    return (int) as_result(give_status(image_stat_of_path(target, &found), &found, status));
}

static int stat_path(const struct stat_call *call, const char *path, struct stat *status)
{
    struct image_path target;
    enum path_follow follow =
        (call->flags & AT_SYMLINK_NOFOLLOW) != 0 ? PATH_NOFOLLOW : PATH_FOLLOW;
    if (path_is_image(path, follow, &target)) {
        return of_path(call, &target, status);
    }
    int result = pass_on(call, path, status);
    if (result < 0 && errno == ENOENT
        && path_leads_to_image(call->directory, path, follow, &target)) {
        return target.kind == PATH_HOST ? stat_path(call, target.path, status)
                                        : of_path(call, &target, status);
    }
    if (result == 0 && S_ISSOCK(status->st_mode)
        && path_is_placeholder(call->directory, path, follow, &target)) {
        return of_path(call, &target, status);
    }
    if (result == 0 && means_directory_itself(path)) {
        return passed(result, call->directory, status);
    }
    return result;
}

static bool means_descriptor(const char *path, int flags)
{
    return (flags & AT_EMPTY_PATH) != 0 && (path == NULL || *path == '\0');
}

/* Whether a path is looked for in a directory, if it is not empty: else the directory does not count, or the
 * path cannot be read. */
static bool is_in_directory(const char *path, int flags)
{
    return path == NULL ? means_descriptor(path, flags) : memory_has_string(path) && *path != '/';
}

static int stat_image(struct open_file *file, struct stat *status)
{
    struct stat found;
    int error = image_stat_of_file(file, &found);
    return (int) leave(file, CALL_fstat, give_status(error, &found, status));
}

static int stat_at(const struct stat_call *call, const char *path, struct stat *status)
{
    struct open_file *file = descriptor_enter(call->directory);
    if (file == NULL) {
        return stat_path(call, path, status);
    }
    if (!is_in_directory(path, call->flags)) {
        open_file_release(file);
        return stat_path(call, path, status);
    }
    if (means_descriptor(path, call->flags)) {
        return stat_image(file, status);
    }
    return (int) leave(file, CALL_fstatat, -ENOTDIR);
}

/* The C library's names: NAME and NAME64, and how programs built with a glibc before 2.33 call them, with
 * a version, which is the layout's and of which 64-bit systems have one. The names of the assembler,
 * since struct stat64 is another type to the compiler. */
#define NAMED(name) __asm__(#name)
#define STAT_OF_PATH(name, flags)                                                                  \
    extern int hook_##name(const char *path, struct stat *status) NAMED(name);                     \
    HOOK int hook_##name(const char *path, struct stat *status)                                    \
    {                                                                                              \
        return stat_path(&(struct stat_call) {CALL_##name, 0, AT_FDCWD, flags}, path, status);     \
    }
#define STAT_OF_PATH_BY_VERSION(name, flags)                                                       \
    extern int hook_##name(int version, const char *path, struct stat *status) NAMED(name);        \
    HOOK int hook_##name(int version, const char *path, struct stat *status)                       \
    {                                                                                              \
        return stat_path(&(struct stat_call) {CALL_##name, version, AT_FDCWD, flags}, path,        \
                         status);                                                                  \
    }
#define STAT_OF_DESCRIPTOR(name)                                                                   \
    extern int hook_##name(int fd, struct stat *status) NAMED(name);                               \
    HOOK int hook_##name(int fd, struct stat *status)                                              \
    {                                                                                              \
        struct open_file *file = descriptor_enter(fd);                                           \
        return file == NULL ? passed(REAL(name)(fd, status), fd, status)                           \
                            : stat_image(file, status);                                            \
    }
#define STAT_OF_DESCRIPTOR_BY_VERSION(name)                                                        \
    extern int hook_##name(int version, int fd, struct stat *status) NAMED(name);                  \
    HOOK int hook_##name(int version, int fd, struct stat *status)                                 \
    {                                                                                              \
        struct open_file *file = descriptor_enter(fd);                                           \
        return file == NULL ? passed(REAL(name)(version, fd, status), fd, status)                  \
                            : stat_image(file, status);                                            \
    }
#define STAT_AT(name)                                                                              \
    extern int hook_##name(int directory, const char *path, struct stat *status, int flags)        \
        NAMED(name);                                                                               \
    HOOK int hook_##name(int directory, const char *path, struct stat *status, int flags)          \
    {                                                                                              \
        return stat_at(&(struct stat_call) {CALL_##name, 0, directory, flags}, path, status);      \
    }
#define STAT_AT_BY_VERSION(name)                                                                   \
    extern int hook_##name(int version, int directory, const char *path, struct stat *status,      \
                           int flags) NAMED(name);                                                 \
    HOOK int hook_##name(int version, int directory, const char *path, struct stat *status,        \
                         int flags)                                                                \
    {                                                                                              \
        return stat_at(&(struct stat_call) {CALL_##name, version, directory, flags}, path,         \
                       status);                                                                    \
    }

STAT_OF_PATH(stat, 0)
STAT_OF_PATH(stat64, 0)
STAT_OF_PATH_BY_VERSION(__xstat, 0)
STAT_OF_PATH_BY_VERSION(__xstat64, 0)
STAT_OF_PATH(lstat, AT_SYMLINK_NOFOLLOW)
STAT_OF_PATH(lstat64, AT_SYMLINK_NOFOLLOW)
STAT_OF_PATH_BY_VERSION(__lxstat, AT_SYMLINK_NOFOLLOW)
STAT_OF_PATH_BY_VERSION(__lxstat64, AT_SYMLINK_NOFOLLOW)
STAT_OF_DESCRIPTOR(fstat)
STAT_OF_DESCRIPTOR(fstat64)
STAT_OF_DESCRIPTOR_BY_VERSION(__fxstat)
STAT_OF_DESCRIPTOR_BY_VERSION(__fxstat64)
STAT_AT(fstatat)
STAT_AT(fstatat64)
STAT_AT_BY_VERSION(__fxstatat)
STAT_AT_BY_VERSION(__fxstatat64)

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
    struct statx found;
    to_statx(status, &found);
    found.stx_mask |= STATX_BTIME;
    found.stx_btime = timestamp(created);
    return (int) as_result(fault_copy(result, &found, sizeof found));
}

HOOK int statx(int directory, const char *path, int flags, unsigned mask, struct statx *result)
{
    struct image_path target;
    struct stat status;
    struct timespec created = {0};
    enum path_follow follow = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? PATH_NOFOLLOW : PATH_FOLLOW;
    struct open_file *file = descriptor_enter(directory);
    if (file != NULL && !is_in_directory(path, flags)) {
        open_file_release(file);
        file = NULL;
    }
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
    if (passed_on == 0 && S_ISSOCK(result->stx_mode)
        && path_is_placeholder(directory, path, follow, &target)) {
        int error = image_stat_with_birth_of_path(&target, &status, &created);
        return statx_of(error, &status, created, result);
    }
    if (passed_on == 0 && S_ISDIR(result->stx_mode) && result->stx_nlink == 0
        && means_directory_itself(path) && root_directory_is(directory)) {
        image_stat_of_root(&status);
        to_statx(&status, result);
    }
    return passed_on;
}
