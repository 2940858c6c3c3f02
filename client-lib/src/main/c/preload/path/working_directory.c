#include "working_directory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "by_path.h"
#include "fault.h"
#include "memory.h"

/* By this the kernel's link to the unlinked directory is known. */
#define STAND_IN "/.rbdw-root-"
#define UNLINKED " (deleted)"

/* A directory in a directory, both unlinked: so that what is looked for above it is not found either
 * instead of in the parent's parent. */
static int make_in(const char *parent, int flags)
{
    char outer[256];
    char inner[sizeof outer + 2];
    if (strlen(parent) + sizeof STAND_IN + 6 > sizeof outer) {
        return -ENAMETOOLONG;
    }
    strcpy(outer, parent);
    strcat(outer, STAND_IN "XXXXXX");
    if (mkdtemp(outer) == NULL) {
        return -errno;
    }
    strcpy(inner, outer);
    strcat(inner, "/0");
    int fd = REAL(mkdir)(inner, 0700) < 0
                 ? -1
                 : REAL(open)(inner, O_RDONLY | O_DIRECTORY | (flags & O_CLOEXEC));
    int error = -errno;
    REAL(rmdir)(inner);
    REAL(rmdir)(outer);
    return fd < 0 ? error : fd;
}

int root_directory_open(int flags)
{
    const char *chosen = getenv("TMPDIR");
    const char *const parents[] = {chosen != NULL ? chosen : "/tmp", "/tmp", "/dev/shm", "/var/tmp",
                                   "."};
    int error = -ENOENT;
    for (size_t i = 0; i < sizeof parents / sizeof *parents; i++) {
        int fd = make_in(parents[i], flags);
        if (fd >= 0) {
            return fd;
        }
        error = fd;
    }
    report_line("%s: no folder where a stand-in for it can be made (TMPDIR)", IMAGE_ROOT);
    return error;
}

bool root_directory_is(int fd)
{
    char link[40] = "/proc/self/cwd";
    char target[512];
    int error = errno;
    if (fd != AT_FDCWD) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    }
    ssize_t length = REAL(readlink)(link, target, sizeof target - 1);
    errno = error;
    if (length <= (ssize_t) strlen(UNLINKED)) {
        return false;
    }
    target[length] = '\0';
    return strcmp(target + length - strlen(UNLINKED), UNLINKED) == 0
           && strstr(target, STAND_IN) != NULL;
}

static int change_to(const struct image_path *target)
{
    if (target->kind != PATH_ROOT) {
        return -ENOTDIR;
    }
    int fd = root_directory_open(O_CLOEXEC);
    if (fd < 0) {
        return fd;
    }
    int error = REAL(fchdir)(fd) < 0 ? -errno : 0;
    REAL(close)(fd);
    return error;
}

/* Up from the stand-in, the kernel would find what that stands in. */
static bool leads_up(const char *path)
{
    return memory_has_string(path) && path[0] == '.' && path[1] == '.' && root_directory_is(AT_FDCWD);
}

HOOK int chdir(const char *path)
{
    struct image_path up;
    if (leads_up(path) && path_leads_to_image(AT_FDCWD, path, PATH_FOLLOW, &up)) {
        path = up.path;
    }
    BY_PATH(chdir, AT_FDCWD, path, PATH_FOLLOW, REAL(chdir)(path), change_to(&target));
}

HOOK int fchdir(int fd)
{
    if (descriptor_is_image(fd)) {
        return (int) as_result(-ENOTDIR);
    }
    return REAL(fchdir)(fd);
}

HOOK char *getcwd(char *buffer, size_t size)
{
    char *result = REAL(getcwd)(buffer, size);
    if (result != NULL || errno != ENOENT || !root_directory_is(AT_FDCWD)) {
        return result;
    }
    if (buffer == NULL) {
        return strdup(IMAGE_ROOT);
    }
    if (size < sizeof IMAGE_ROOT) {
        errno = ERANGE;
        return NULL;
    }
    if (fault_copy(buffer, IMAGE_ROOT, sizeof IMAGE_ROOT) < 0) {
        errno = EFAULT;
        return NULL;
    }
    return buffer;
}

HOOK char *get_current_dir_name(void)
{
    char *result = REAL(get_current_dir_name)();
    if (result == NULL && errno == ENOENT && root_directory_is(AT_FDCWD)) {
        return strdup(IMAGE_ROOT);
    }
    return result;
}

extern char *__getcwd_chk(char *buffer, size_t size, size_t room);

HOOK char *__getcwd_chk(char *buffer, size_t size, size_t room)
{
    if (size > room) {
        __chk_fail();
    }
    return getcwd(buffer, size);
}
