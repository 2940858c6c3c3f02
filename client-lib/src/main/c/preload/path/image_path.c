#include "image_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptors.h"
#include "held.h"
#include "memory.h"
#include "real.h"
#include "working_directory.h"

#define ROOT_NAME "rbdw" /* in / */
#define MAX_LINKS 40     /* as the kernel */

static bool is_component(const char *text, size_t length, const char *name)
{
    return strlen(name) == length && memcmp(text, name, length) == 0;
}

/* The next component of a path: its length, 0 at the end. Moves *path to its begin. */
static size_t next_component(const char **path)
{
    while (**path == '/') {
        (*path)++;
    }
    return strcspn(*path, "/");
}

static bool begins_with(const char *path, const char *prefix)
{
    return strncmp(path, prefix, strlen(prefix)) == 0;
}

static int number(const char *digits)
{
    char *end;
    if (*digits < '0' || *digits > '9') {
        return -1;
    }
    long value = strtol(digits, &end, 10);
    return *end != '\0' || value >= DESCRIPTORS_MAX ? -1 : (int) value;
}

bool path_is_absolute(const char *path)
{
    return memory_has_string(path) && path[0] == '/';
}

int path_descriptor(const char *path)
{
    if (path[0] != '/' || (path[1] != 'd' && path[1] != 'p')) {
        return -1;
    }
    if (begins_with(path, "/dev/")) {
        const char *name = path + 5;
        return begins_with(name, "fd/")         ? number(name + 3)
               : strcmp(name, "stdin") == 0  ? STDIN_FILENO
               : strcmp(name, "stdout") == 0 ? STDOUT_FILENO
               : strcmp(name, "stderr") == 0 ? STDERR_FILENO
                                             : -1;
    }
    if (!begins_with(path, "/proc/")) {
        return -1;
    }
    const char *who = path + 6;
    char self[24];
    snprintf(self, sizeof self, "%d/fd/", (int) getpid());
    return begins_with(who, "self/fd/")          ? number(who + 8)
           : begins_with(who, "thread-self/fd/") ? number(who + 15)
           : begins_with(who, self)              ? number(who + strlen(self))
                                                 : -1;
}

/* What follows /rbdw: NAME, with what does not change it left out. False where it leads out again,
 * through "..". */
static bool put_below_root(const char *rest, struct image_path *target)
{
    target->identity[0] = '\0';
    size_t used = strlen(IMAGE_ROOT);
    size_t length;
    int depth = 0;
    memcpy(target->path, IMAGE_ROOT, used + 1);
    target->ends_with_slash = false;
    for (; (length = next_component(&rest)) > 0; rest += length) {
        target->ends_with_slash = rest[length] == '/' || is_component(rest, length, ".");
        if (is_component(rest, length, ".")) {
            continue;
        }
        if (is_component(rest, length, "..")) {
            if (--depth < 0) {
                return false;
            }
            used = (size_t) (strrchr(target->path, '/') - target->path);
            target->path[used] = '\0';
            continue;
        }
        if (used + 1 + length >= sizeof target->path) {
            return false;
        }
        target->path[used] = '/';
        memcpy(target->path + used + 1, rest, length);
        used += 1 + length;
        target->path[used] = '\0';
        depth++;
    }
    target->kind = depth == 0 ? PATH_ROOT : PATH_IMAGE;
    return true;
}

static void put_image(struct image_path *target, const char *path, const rbdw_file *image)
{
    target->kind = PATH_IMAGE;
    target->ends_with_slash = false;
    strcpy(target->path, path);
    strcpy(target->identity, image_identity(image));
}

/* /proc/PID/fd/N and /proc/PID/task/TID/fd/N: of whatever process. */
static bool is_descriptor_of_process(const char *path)
{
    const char *name = begins_with(path, "/proc/") ? strrchr(path, '/') : NULL;
    return name != NULL && name - path > 3 && memcmp(name - 3, "/fd", 3) == 0
           && number(name + 1) >= 0;
}

/* The kernel tells nobody what it is, but lets us have the descriptor. */
static bool is_others_image(int directory, const char *path, enum path_follow follow, struct image_path *target)
{
    struct placeholder_id id;
    struct image_share share;
    rbdw_file *image;
    int error = errno;
    held_begin(); /* it has cancellation points, and things to close */
    int fd = REAL(openat)(directory, path, O_PATH | O_CLOEXEC | (follow == PATH_FOLLOW ? 0 : O_NOFOLLOW));
    bool is_image = fd >= 0 && placeholder_may_be(fd, &id)
                    && image_open_shared(fd, &share, &image) == 0;
    if (is_image) {
        put_image(target, share.path, image);
        rbdw_close(image);
        if (share.state >= 0) {
            REAL(close)(share.state);
        }
    }
    if (fd >= 0) {
        REAL(close)(fd);
    }
    held_end();
    errno = error;
    return is_image;
}

/* A reopened descriptor: of an image, whatever its path. */
static bool is_descriptors_image(const char *path, struct image_path *target)
{
    int fd = path_descriptor(path);
    struct open_file *file = fd < 0 ? NULL : descriptor_enter(fd);
    if (file == NULL) {
        return fd < 0 && is_descriptor_of_process(path)
               && is_others_image(AT_FDCWD, path, PATH_FOLLOW, target);
    }
    rbdw_file *image;
    bool is_there = open_file_image(file, &image) == 0;
    if (is_there) {
        put_image(target, file->state->path, image);
    }
    open_file_release(file);
    return is_there;
}

bool path_is_placeholder(int directory, const char *path, enum path_follow follow, struct image_path *target)
{
    return memory_has_string(path) && is_others_image(directory, path, follow, target);
}

/* The path can be read. */
static bool hides_placeholder(int directory, const char *path, enum path_follow follow, struct image_path *target)
{
    const char *slash = strrchr(path, '/');
    struct stat status;
    int error = errno;
    bool is_socket = number(slash == NULL ? path : slash + 1) >= 0
                     && REAL(fstatat)(directory, path, &status, follow == PATH_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW) == 0
                     && S_ISSOCK(status.st_mode);
    errno = error;
    return is_socket && is_others_image(directory, path, follow, target);
}

/* The path can be read. */
static bool is_spelled_so(const char *path, enum path_follow follow, struct image_path *target)
{
    if (path[0] != '/') {
        return false;
    }
    const char *rest = path;
    size_t length = next_component(&rest);
    while (is_component(rest, length, ".")) {
        rest += length;
        length = next_component(&rest);
    }
    if (is_component(rest, length, ROOT_NAME)) {
        return put_below_root(rest + length, target);
    }
    return follow == PATH_FOLLOW && is_descriptors_image(path, target);
}

bool path_is_image(const char *path, enum path_follow follow, struct image_path *target)
{
    return memory_has_string(path) && is_spelled_so(path, follow, target);
}

bool path_is_image_at(int directory, const char *path, enum path_follow follow, struct image_path *target)
{
    return memory_has_string(path)
           && (is_spelled_so(path, follow, target) || hides_placeholder(directory, path, follow, target));
}

/* Where a search stands. */
struct walk {
    char done[PATH_MAX]; /* absolute, without links; "" is / */
    size_t used;
    char rest[PATH_MAX]; /* what follows */
    int links;
    bool was_in_root;
};

/* text becomes what comes before the rest. */
static bool put_before_rest(struct walk *walk, const char *text, size_t length, const char *rest)
{
    size_t rest_length = strlen(rest); /* it is empty or begins with a slash */
    if (length + rest_length >= sizeof walk->rest) {
        return false;
    }
    memmove(walk->rest + length, rest, rest_length + 1);
    memcpy(walk->rest, text, length);
    return true;
}

/* Where a relative path begins. */
static bool put_directory(struct walk *walk, int directory)
{
    char link[32] = "/proc/self/cwd";
    if (root_directory_is(directory)) {
        walk->used = strlen(IMAGE_ROOT);
        memcpy(walk->done, IMAGE_ROOT, walk->used + 1);
        return true;
    }
    if (directory != AT_FDCWD) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
    }
    ssize_t length = REAL(readlink)(link, walk->done, sizeof walk->done - 1);
    if (length <= 0 || walk->done[0] != '/') {
        return false;
    }
    walk->used = length == 1 ? 0 : (size_t) length;
    walk->done[walk->used] = '\0';
    return true;
}

/* One step down, or up. False: it leads to nothing that exists. */
static bool step(struct walk *walk, const char *name, size_t length, const char *after,
                 enum path_follow follow)
{
    if (is_component(name, length, ".")) {
        memmove(walk->rest, after, strlen(after) + 1);
        return true;
    }
    if (is_component(name, length, "..")) {
        while (walk->used > 0 && walk->done[--walk->used] != '/') {
        }
        walk->done[walk->used] = '\0';
        memmove(walk->rest, after, strlen(after) + 1);
        return true;
    }
    if (walk->used + 1 + length >= sizeof walk->done) {
        return false;
    }
    walk->done[walk->used] = '/';
    memcpy(walk->done + walk->used + 1, name, length);
    walk->done[walk->used + 1 + length] = '\0';
    const char *left = after;
    bool is_last = next_component(&left) == 0 && *after == '\0';
    char link[PATH_MAX];
    ssize_t link_length = is_last && follow == PATH_NOFOLLOW
                              ? -1
                              : REAL(readlink)(walk->done, link, sizeof link - 1);
    if (link_length < 0) {
        walk->used += 1 + length;
        memmove(walk->rest, after, strlen(after) + 1);
        return true;
    }
    walk->done[walk->used] = '\0';
    if (++walk->links > MAX_LINKS || !put_before_rest(walk, link, (size_t) link_length, after)) {
        return false;
    }
    if (link[0] == '/') {
        walk->used = 0;
        walk->done[0] = '\0';
    }
    return true;
}

static bool search(struct walk *walk, enum path_follow follow, struct image_path *target)
{
    while (true) {
        if (strcmp(walk->done, IMAGE_ROOT) == 0) {
            if (put_below_root(walk->rest, target)) {
                return true;
            }
            walk->was_in_root = true;
        }
        const char *name = walk->rest;
        size_t length = next_component(&name);
        if (length == 0) {
            target->kind = PATH_HOST;
            strcpy(target->path, walk->used == 0 ? "/" : walk->done);
            return walk->was_in_root;
        }
        /* copied, for step() changes the rest */
        char component[NAME_MAX + 1];
        char after[PATH_MAX];
        if (length > NAME_MAX) {
            return false;
        }
        memcpy(component, name, length);
        component[length] = '\0';
        memcpy(after, name + length, strlen(name + length) + 1);
        if (!step(walk, component, length, after, follow)) {
            return false;
        }
    }
}

/* Most paths that do not exist lack their last component only: one look at what stands before it
 * tells, beside one whether the path is a link that leads nowhere. */
static bool may_lead_there(int directory, const char *path)
{
    char parent[PATH_MAX];
    char link[1];
    if (REAL(readlinkat)(directory, path, link, sizeof link) >= 0) {
        return true;
    }
    size_t length = strlen(path);
    while (length > 0 && path[length - 1] == '/') {
        length--;
    }
    while (length > 0 && path[length - 1] != '/') {
        length--;
    }
    if (length >= sizeof parent) {
        return false;
    }
    if (begins_with(path + length, ROOT_NAME)) {
        return true; /* perhaps of the directory that is / */
    }
    if (length == 0) {
        return root_directory_is(directory);
    }
    memcpy(parent, path, length);
    parent[length] = '\0';
    return REAL(faccessat)(directory, parent, F_OK, 0) < 0 || root_directory_is(directory);
}

static bool leads(int directory, const char *path, enum path_follow follow,
                  struct image_path *target)
{
    struct walk walk = {.used = 0};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof walk.rest || !may_lead_there(directory, path)) {
        return false;
    }
    memcpy(walk.rest, path, length + 1);
    if (path[0] != '/' && !put_directory(&walk, directory)) {
        return false;
    }
    return search(&walk, follow, target);
}

bool path_leads_to_image(int directory, const char *path, enum path_follow follow,
                         struct image_path *target)
{
    int error = errno;
    bool found = memory_has_string(path) && leads(directory, path, follow, target);
    errno = error;
    return found;
}
