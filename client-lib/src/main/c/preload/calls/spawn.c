/* posix_spawn(3): its child opens files inside the C library, past any hook. So an image that the
 * child shall open is opened here, when the action is added, and the child duplicates that; it is
 * closed with the actions. Who spawns twice with the same actions shares one position. */

#include <spawn.h>
#include <unistd.h>

#include "hook.h"
#include "image_open.h"

#define MAX_SOURCES 64
#define ABOVE 512 /* out of the way of the numbers that the actions speak of */

static struct source {
    _Atomic(posix_spawn_file_actions_t *) actions; /* NULL: free */
    int fd;
} sources[MAX_SOURCES];

static struct source *take(posix_spawn_file_actions_t *actions)
{
    for (int i = 0; i < MAX_SOURCES; i++) {
        posix_spawn_file_actions_t *none = NULL;
        if (atomic_compare_exchange_strong(&sources[i].actions, &none, actions)) {
            sources[i].fd = -1;
            return &sources[i];
        }
    }
    return NULL;
}

/* Opened out of the way; an error where that fails, as it then shall in the child. */
static int open_source(const struct image_path *target, int flags)
{
    int fd = image_open(target, flags | O_CLOEXEC);
    if (fd < 0) {
        return fd;
    }
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, ABOVE);
    int error = -errno;
    close(fd);
    return moved < 0 ? error : moved;
}

static int add_image(posix_spawn_file_actions_t *actions, int fd, const struct image_path *target,
                     int flags)
{
    struct source *source = take(actions);
    if (source == NULL) {
        return ENOMEM;
    }
    int opened = open_source(target, flags);
    int error = opened < 0 ? -opened : posix_spawn_file_actions_adddup2(actions, opened, fd);
    if (error != 0) {
        if (opened >= 0) {
            close(opened);
        }
        atomic_store(&source->actions, NULL);
        return error;
    }
    source->fd = opened;
    report_count(CALL_posix_spawn_file_actions_addopen);
    return 0;
}

static bool is_image(const char *path, struct image_path *target)
{
    if (path_is_image(path, PATH_FOLLOW, target)) {
        return true;
    }
    int error = errno;
    bool is_missing = REAL(faccessat)(AT_FDCWD, path, F_OK, 0) < 0 && errno == ENOENT;
    errno = error;
    return is_missing && path_leads_to_image(AT_FDCWD, path, PATH_FOLLOW, target)
           && target->kind != PATH_HOST;
}

HOOK int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *actions, int fd,
                                          const char *path, int flags, mode_t mode)
{
    struct image_path target;
    if (is_image(path, &target) && add_image(actions, fd, &target, flags) == 0) {
        return 0;
    }
    return REAL(posix_spawn_file_actions_addopen)(actions, fd, path, flags, mode);
}

HOOK int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *actions)
{
    for (int i = 0; i < MAX_SOURCES; i++) {
        if (atomic_load_explicit(&sources[i].actions, memory_order_relaxed) == actions) {
            close(sources[i].fd);
            atomic_store(&sources[i].actions, NULL);
        }
    }
    return REAL(posix_spawn_file_actions_destroy)(actions);
}
