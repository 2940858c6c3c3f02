/* Owner, mode and extended attributes. Owner and mode are the mapping's (rbdwrapper-adm map --owner
 * --mode): EPERM. There are no extended attributes. */

#include <linux/limits.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "by_path.h"
#include "image_stat.h"
#include "memory.h"

static long if_there(const struct image_path *target, int result)
{
    struct stat status;
    int error = image_stat_of_path(target, &status);
    return error < 0 ? error : result;
}

/* A hook by descriptor, with the same answer for every image. */
#define BY_DESCRIPTOR(call, fd, passed_on, on_image)                                               \
    struct open_file *file = descriptor_enter(fd);                                               \
    return file == NULL ? (passed_on) : (__typeof(passed_on)) leave(file, CALL_##call, on_image)

/* In the kernel's order, before it asks the file system. */
static int check_name(const char *name)
{
    if (!memory_has_string(name)) {
        return -EFAULT;
    }
    size_t length = strnlen(name, XATTR_NAME_MAX + 1);
    return length == 0 || length > XATTR_NAME_MAX ? -ERANGE : -ENOTSUP;
}

static int check_value(const char *name, const void *value, size_t size, int flags)
{
    int error = (flags & ~(XATTR_CREATE | XATTR_REPLACE)) != 0 ? -EINVAL : check_name(name);
    if (error == -ENOTSUP && size > XATTR_SIZE_MAX) {
        error = -E2BIG;
    } else if (error == -ENOTSUP && size > 0 && !memory_can_be_read(value, size)) {
        error = -EFAULT;
    }
    return error;
}

static enum path_follow follows(int flags)
{
    return (flags & AT_SYMLINK_NOFOLLOW) != 0 ? PATH_NOFOLLOW : PATH_FOLLOW;
}

HOOK int chmod(const char *path, mode_t mode)
{
    BY_PATH(chmod, AT_FDCWD, path, PATH_FOLLOW, REAL(chmod)(path, mode),
            if_there(&target, -EPERM));
}

HOOK int fchmod(int fd, mode_t mode)
{
    BY_DESCRIPTOR(fchmod, fd, REAL(fchmod)(fd, mode), -EPERM);
}

HOOK int fchmodat(int directory, const char *path, mode_t mode, int flags)
{
    BY_PATH(fchmodat, directory, path, follows(flags),
            REAL(fchmodat)(directory, path, mode, flags), if_there(&target, -EPERM));
}

HOOK int chown(const char *path, uid_t owner, gid_t group)
{
    BY_PATH(chown, AT_FDCWD, path, PATH_FOLLOW, REAL(chown)(path, owner, group),
            if_there(&target, -EPERM));
}

HOOK int lchown(const char *path, uid_t owner, gid_t group)
{
    BY_PATH(lchown, AT_FDCWD, path, PATH_NOFOLLOW, REAL(lchown)(path, owner, group),
            if_there(&target, -EPERM));
}

HOOK int fchown(int fd, uid_t owner, gid_t group)
{
    BY_DESCRIPTOR(fchown, fd, REAL(fchown)(fd, owner, group), -EPERM);
}

HOOK int fchownat(int directory, const char *path, uid_t owner, gid_t group, int flags)
{
    BY_PATH(fchownat, directory, path, follows(flags),
            REAL(fchownat)(directory, path, owner, group, flags), if_there(&target, -EPERM));
}

HOOK ssize_t getxattr(const char *path, const char *name, void *value, size_t size)
{
    BY_PATH(getxattr, AT_FDCWD, path, PATH_FOLLOW, REAL(getxattr)(path, name, value, size),
            if_there(&target, check_name(name)));
}

HOOK ssize_t lgetxattr(const char *path, const char *name, void *value, size_t size)
{
    BY_PATH(lgetxattr, AT_FDCWD, path, PATH_NOFOLLOW, REAL(lgetxattr)(path, name, value, size),
            if_there(&target, check_name(name)));
}

HOOK ssize_t fgetxattr(int fd, const char *name, void *value, size_t size)
{
    BY_DESCRIPTOR(fgetxattr, fd, REAL(fgetxattr)(fd, name, value, size), check_name(name));
}

HOOK ssize_t listxattr(const char *path, char *list, size_t size)
{
    BY_PATH(listxattr, AT_FDCWD, path, PATH_FOLLOW, REAL(listxattr)(path, list, size),
            if_there(&target, 0));
}

HOOK ssize_t llistxattr(const char *path, char *list, size_t size)
{
    BY_PATH(llistxattr, AT_FDCWD, path, PATH_NOFOLLOW, REAL(llistxattr)(path, list, size),
            if_there(&target, 0));
}

HOOK ssize_t flistxattr(int fd, char *list, size_t size)
{
    BY_DESCRIPTOR(flistxattr, fd, REAL(flistxattr)(fd, list, size), 0);
}

HOOK int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)
{
    BY_DESCRIPTOR(fsetxattr, fd, REAL(fsetxattr)(fd, name, value, size, flags),
                  check_value(name, value, size, flags));
}

HOOK int fremovexattr(int fd, const char *name)
{
    BY_DESCRIPTOR(fremovexattr, fd, REAL(fremovexattr)(fd, name), check_name(name));
}
