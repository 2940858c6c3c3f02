/* Calls on names: access(2), readlink(2), realpath(3); and those that would change names in /rbdw,
 * which are the broker's to change (rbdwrapper-adm map, unmap). */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "by_path.h"
#include "image_stat.h"
#include "user_copy.h"

HOOK int access(const char *path, int mode)
{
    BY_PATH(access, AT_FDCWD, path, PATH_FOLLOW, REAL(access)(path, mode),
            image_stat_access(&target, mode, false));
}

HOOK int euidaccess(const char *path, int mode)
{
    BY_PATH(euidaccess, AT_FDCWD, path, PATH_FOLLOW, REAL(euidaccess)(path, mode),
            image_stat_access(&target, mode, true));
}

HOOK int faccessat(int directory, const char *path, int mode, int flags)
{
    BY_PATH(faccessat, directory, path,
            (flags & AT_SYMLINK_NOFOLLOW) != 0 ? PATH_NOFOLLOW : PATH_FOLLOW,
            REAL(faccessat)(directory, path, mode, flags),
            image_stat_access(&target, mode, (flags & AT_EACCESS) != 0));
}

ALIAS(eaccess, euidaccess);

/* What /proc/self/fd/N leads to, where that is an image. 0: it is none. */
static ssize_t read_descriptors_link(const char *path, char *target, size_t length)
{
    int fd = path_is_absolute(path) ? path_descriptor(path) : -1;
    struct open_file *file = fd < 0 ? NULL : descriptor_enter(fd);
    if (file == NULL) {
        return 0;
    }
    size_t known = strlen(file->state->path);
    size_t copied = known < length ? known : length;
    int error = user_copy_all(target, file->state->path, copied);
    open_file_release(file);
    return error < 0 ? error : (ssize_t) copied;
}

/* An image is no link. */
static int is_no_link(const struct image_path *target)
{
    struct stat status;
    int error = image_stat_of_path(target, &status);
    return error < 0 ? error : -EINVAL;
}

HOOK ssize_t readlink(const char *path, char *link, size_t length)
{
    ssize_t found = read_descriptors_link(path, link, length);
    if (found != 0) {
        report_count(CALL_readlink);
        return as_result(found);
    }
    BY_PATH(readlink, AT_FDCWD, path, PATH_NOFOLLOW, REAL(readlink)(path, link, length),
            is_no_link(&target));
}

HOOK ssize_t readlinkat(int directory, const char *path, char *link, size_t length)
{
    ssize_t found = read_descriptors_link(path, link, length);
    if (found != 0) {
        report_count(CALL_readlinkat);
        return as_result(found);
    }
    BY_PATH(readlinkat, directory, path, PATH_NOFOLLOW,
            REAL(readlinkat)(directory, path, link, length), is_no_link(&target));
}

extern ssize_t __readlink_chk(const char *path, char *link, size_t length, size_t room);
extern ssize_t __readlinkat_chk(int directory, const char *path, char *link, size_t length,
                                size_t room);

HOOK ssize_t __readlink_chk(const char *path, char *link, size_t length, size_t room)
{
    if (length > room) {
        __chk_fail();
    }
    return readlink(path, link, length);
}

HOOK ssize_t __readlinkat_chk(int directory, const char *path, char *link, size_t length,
                              size_t room)
{
    if (length > room) {
        __chk_fail();
    }
    return readlinkat(directory, path, link, length);
}

/* resolved: of PATH_MAX bytes, or NULL. */
static char *resolve(enum call call, const struct image_path *target, char *resolved)
{
    struct stat status;
    report_count(call);
    int error = image_stat_of_path(target, &status);
    if (error < 0) {
        errno = -error;
        return NULL;
    }
    return resolved == NULL ? strdup(target->path) : strcpy(resolved, target->path);
}

HOOK char *realpath(const char *path, char *resolved)
{
    struct image_path target;
    if (path_is_image(path, PATH_FOLLOW, &target)) {
        return resolve(CALL_realpath, &target, resolved);
    }
    char *result = REAL(realpath)(path, resolved);
    if (result == NULL && errno == ENOENT
        && path_leads_to_image(AT_FDCWD, path, PATH_FOLLOW, &target)) {
        if (target.kind == PATH_HOST) {
            return REAL(realpath)(target.path, resolved);
        }
        return resolve(CALL_realpath, &target, resolved);
    }
    return result;
}

HOOK char *canonicalize_file_name(const char *path)
{
    return realpath(path, NULL);
}

extern char *__realpath_chk(const char *path, char *resolved, size_t room);

HOOK char *__realpath_chk(const char *path, char *resolved, size_t room)
{
    if (room < PATH_MAX) {
        __chk_fail();
    }
    return realpath(path, resolved);
}

/* The name stays: EPERM where there is one. */
static int refuse(const struct image_path *target)
{
    struct stat status;
    int error = image_stat_of_path(target, &status);
    return error < 0 ? error : -EPERM;
}

HOOK int unlink(const char *path)
{
    BY_PATH(unlink, AT_FDCWD, path, PATH_NOFOLLOW, REAL(unlink)(path), refuse(&target));
}

HOOK int unlinkat(int directory, const char *path, int flags)
{
    BY_PATH(unlinkat, directory, path, PATH_NOFOLLOW, REAL(unlinkat)(directory, path, flags),
            refuse(&target));
}

HOOK int remove(const char *path)
{
    BY_PATH(remove, AT_FDCWD, path, PATH_NOFOLLOW, REAL(remove)(path), refuse(&target));
}

static int refuse_rmdir(const struct image_path *target)
{
    int error = refuse(target);
    return error == -EPERM && target->kind == PATH_IMAGE ? -ENOTDIR : error;
}

HOOK int rmdir(const char *path)
{
    BY_PATH(rmdir, AT_FDCWD, path, PATH_NOFOLLOW, REAL(rmdir)(path), refuse_rmdir(&target));
}

/* Nothing new appears below /rbdw. */
static int refuse_new(const struct image_path *target)
{
    int error = refuse(target);
    return error == -EPERM ? -EEXIST : error == -ENOENT ? -EPERM : error;
}

HOOK int mkdir(const char *path, mode_t mode)
{
    BY_PATH(mkdir, AT_FDCWD, path, PATH_NOFOLLOW, REAL(mkdir)(path, mode), refuse_new(&target));
}

HOOK int mkdirat(int directory, const char *path, mode_t mode)
{
    BY_PATH(mkdirat, directory, path, PATH_NOFOLLOW, REAL(mkdirat)(directory, path, mode),
            refuse_new(&target));
}

HOOK int symlink(const char *to, const char *path)
{
    BY_PATH(symlink, AT_FDCWD, path, PATH_NOFOLLOW, REAL(symlink)(to, path), refuse_new(&target));
}

HOOK int symlinkat(const char *to, int directory, const char *path)
{
    BY_PATH(symlinkat, directory, path, PATH_NOFOLLOW, REAL(symlinkat)(to, directory, path),
            refuse_new(&target));
}

/* Of the calls with two names: the first error that an image among them gives, or 0. Neither is an
 * image where the kernel has succeeded. */
static int refuse_either(int from_directory, const char *from, int to_directory, const char *to,
                         bool after_kernel)
{
    struct image_path target;
    bool from_image = after_kernel
                          ? path_leads_to_image(from_directory, from, PATH_NOFOLLOW, &target)
                          : path_is_image(from, PATH_NOFOLLOW, &target);
    if (from_image && target.kind != PATH_HOST) {
        return refuse(&target);
    }
    bool to_image = after_kernel ? path_leads_to_image(to_directory, to, PATH_NOFOLLOW, &target)
                                 : path_is_image(to, PATH_NOFOLLOW, &target);
    return to_image && target.kind != PATH_HOST ? -EPERM : 0;
}

#define BY_TWO_PATHS(call, from_directory, from, to_directory, to, passed_on)                      \
    int refused = refuse_either(from_directory, from, to_directory, to, false);                    \
    int result = refused < 0 ? -1 : passed_on;                                                     \
    if (result < 0 && refused == 0 && errno == ENOENT) {                                           \
        refused = refuse_either(from_directory, from, to_directory, to, true);                     \
    }                                                                                              \
    if (refused < 0) {                                                                             \
        report_count(CALL_##call);                                                                 \
        errno = -refused;                                                                          \
    }                                                                                              \
    return result

HOOK int rename(const char *from, const char *to)
{
    BY_TWO_PATHS(rename, AT_FDCWD, from, AT_FDCWD, to, REAL(rename)(from, to));
}

HOOK int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    BY_TWO_PATHS(renameat, from_directory, from, to_directory, to,
                 REAL(renameat)(from_directory, from, to_directory, to));
}

HOOK int renameat2(int from_directory, const char *from, int to_directory, const char *to,
                   unsigned flags)
{
    BY_TWO_PATHS(renameat2, from_directory, from, to_directory, to,
                 REAL(renameat2)(from_directory, from, to_directory, to, flags));
}

HOOK int link(const char *from, const char *to)
{
    BY_TWO_PATHS(link, AT_FDCWD, from, AT_FDCWD, to, REAL(link)(from, to));
}

HOOK int linkat(int from_directory, const char *from, int to_directory, const char *to, int flags)
{
    BY_TWO_PATHS(linkat, from_directory, from, to_directory, to,
                 REAL(linkat)(from_directory, from, to_directory, to, flags));
}
