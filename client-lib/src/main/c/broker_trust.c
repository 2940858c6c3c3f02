#include "broker_trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system_call.h"

#define MAX_PATH 320 /* no socket has a longer one, but for links and where a relative one begins; on a handler's stack */
#define MAX_LINKS 16
#define OTHERS_MAY_WRITE (S_IWGRP | S_IWOTH)

/* What the kernel shows in place of users whom a user namespace has no number for. */
#define UNKNOWN_USER 65534

/* From the root of all folders to the run directory. No link is left in what is behind us. */
struct walk {
    const struct broker_trust *trust;
    char behind[MAX_PATH]; /* empty: the root */
    char ahead[MAX_PATH];
    struct stat folder; /* that of behind */
    uid_t root_owner;   /* of the root, who may replace all there is */
    bool has_other;
    uid_t other; /* the only user beside those who may change what is behind us */
    int links;
};

/* Not lstat(): the preload library has one of its own. */
static int look_at(const char *path, int flags, struct stat *status)
{
    return (int) system_call(SYS_newfstatat, AT_FDCWD, (long) path, (long) status, flags, 0, 0);
}

static bool is_ours(const struct broker_trust *trust, uid_t uid)
{
    return uid == 0 || (trust->has_self && uid == trust->self);
}

/* Whether nobody else can have put the entry there, or can put another in its place. */
static bool is_kept(struct walk *walk, const struct stat *entry)
{
    bool is_others = walk->has_other && entry->st_uid == walk->other;
    if (walk->folder.st_mode & OTHERS_MAY_WRITE) {
        return (walk->folder.st_mode & S_ISVTX) && (is_ours(walk->trust, entry->st_uid) || is_others);
    }
    if (is_ours(walk->trust, entry->st_uid) || entry->st_uid == walk->root_owner || is_others) {
        return true;
    }
    if (walk->has_other) {
        return false;
    }
    walk->has_other = true; /* who has the folder above it has given it to him */
    walk->other = entry->st_uid;
    return true;
}

static void leave(struct walk *walk)
{
    char *last = strrchr(walk->behind, '/');
    if (last != NULL) {
        *last = '\0';
    }
}

static bool enter(struct walk *walk, const char *name, size_t length)
{
    size_t behind = strlen(walk->behind);
    if (behind + 1 + length >= sizeof walk->behind) {
        return false;
    }
    walk->behind[behind] = '/';
    memcpy(walk->behind + behind + 1, name, length);
    walk->behind[behind + 1 + length] = '\0';
    return true;
}

static bool look_at_folder(struct walk *walk)
{
    return look_at(*walk->behind == '\0' ? "/" : walk->behind, AT_SYMLINK_NOFOLLOW, &walk->folder) == 0;
}

/* behind leads to a link, which takes the place of what is ahead as far as it goes. */
static bool follow(struct walk *walk, const char *rest)
{
    char target[MAX_PATH];
    long length = system_call(SYS_readlinkat, AT_FDCWD, (long) walk->behind, (long) target, sizeof target, 0, 0);
    size_t rest_length = strlen(rest);
    if (length <= 0 || (size_t) length + 1 + rest_length >= sizeof walk->ahead || ++walk->links > MAX_LINKS) {
        return false;
    }
    memmove(walk->ahead + length + 1, rest, rest_length + 1); /* rest is the end of ahead */
    walk->ahead[length] = '/';
    memcpy(walk->ahead, target, (size_t) length);
    if (*target == '/') {
        *walk->behind = '\0';
    } else {
        leave(walk);
    }
    return true;
}

/* Whether nobody but root, we and one other can change where the path ahead leads. Changes behind. */
static bool is_path_kept(struct walk *walk)
{
    if (!look_at_folder(walk)) {
        return false;
    }
    walk->root_owner = walk->folder.st_uid;
    while (true) {
        char *name = walk->ahead + strspn(walk->ahead, "/");
        size_t length = strcspn(name, "/");
        struct stat entry;
        if (length == 0) {
            return true;
        }
        if (length == 1 && *name == '.') {
            memmove(walk->ahead, name + length, strlen(name + length) + 1);
            continue;
        }
        if (length == 2 && memcmp(name, "..", 2) == 0) {
            leave(walk);
            memmove(walk->ahead, name + length, strlen(name + length) + 1);
            if (!look_at_folder(walk)) {
                return false;
            }
            continue;
        }
        if (!enter(walk, name, length) || look_at(walk->behind, AT_SYMLINK_NOFOLLOW, &entry) != 0
            || !is_kept(walk, &entry)) {
            return false;
        }
        if (S_ISLNK(entry.st_mode)) {
            if (!follow(walk, name + length) || !look_at_folder(walk)) {
                return false;
            }
            continue;
        }
        memmove(walk->ahead, name + length, strlen(name + length) + 1);
        walk->folder = entry;
    }
}

/* False where it is not known. A relative path begins where the process is. */
static bool make_absolute(const char *dir, char *absolute, size_t room)
{
    size_t begin = 0;
    if (*dir != '/') {
        long length = system_call(SYS_getcwd, (long) absolute, (long) room, 0, 0, 0, 0); /* with its zero */
        if (length <= 1 || *absolute != '/') {
            return false;
        }
        begin = (size_t) length;
        absolute[begin - 1] = '/';
    }
    size_t length = strlen(dir);
    if (begin + length >= room) {
        return false;
    }
    memcpy(absolute + begin, dir, length + 1);
    return true;
}

static void find_owner(struct broker_trust *trust, const char *dir)
{
    struct walk walk = {.trust = trust};
    if (make_absolute(dir, walk.ahead, sizeof walk.ahead) && is_path_kept(&walk)
        && !(walk.folder.st_mode & OTHERS_MAY_WRITE)) {
        trust->has_owner = true;
        trust->owner = walk.folder.st_uid;
    }
}

/* Whether all users of the host have numbers here. */
static bool is_everybody_known(void)
{
    static const char everybody[] = "0 0 4294967295";
    char map[64];
    size_t found = 0;
    long fd = system_call(SYS_openat, AT_FDCWD, (long) "/proc/self/uid_map", O_RDONLY | O_CLOEXEC, 0, 0, 0);
    if (fd < 0) {
        return false;
    }
    long length = system_call(SYS_read, fd, (long) map, sizeof map, 0, 0, 0);
    system_call(SYS_close, fd, 0, 0, 0, 0, 0);
    for (long i = 0; i < length && found < sizeof everybody - 1; i++) {
        if (map[i] == ' ' && (found == 0 || everybody[found - 1] == ' ')) {
            continue; /* the columns are padded */
        }
        if (map[i] != everybody[found++]) {
            return false;
        }
    }
    return found == sizeof everybody - 1;
}

__attribute__((format(printf, 3, 4))) static int refuse(struct broker_trust *trust, int error, const char *why, ...)
{
    va_list arguments;
    va_start(arguments, why);
    vsnprintf(trust->why, sizeof trust->why, why, arguments);
    va_end(arguments);
    return -error;
}

static bool is_trusted(const struct broker_trust *trust, uid_t uid)
{
    return is_ours(trust, uid) || (trust->has_owner && uid == trust->owner);
}

int broker_trust_look(struct broker_trust *trust, const char *dir)
{
    struct stat status;
    *trust = (struct broker_trust) {.self = geteuid()};
    trust->has_self = trust->self != UNKNOWN_USER || is_everybody_known();
    find_owner(trust, dir);
    int error = look_at(dir, 0, &status);
    if (error == -ENOENT) {
        return error;
    }
    if (error < 0) {
        return refuse(trust, -error, "the run directory %s cannot be looked at", dir);
    }
    if (!S_ISDIR(status.st_mode)) {
        return refuse(trust, ENOTDIR, "the run directory %s cannot be used", dir);
    }
    if (is_trusted(trust, status.st_uid)) {
        return 0;
    }
    return refuse(trust, EACCES,
                  "the run directory %s is not used: it belongs to uid %u, not to you (uid %u) or root,"
                  " and others may change it or a folder above it",
                  dir, (unsigned) status.st_uid, (unsigned) trust->self);
}

int broker_trust_check(struct broker_trust *trust, int socket, const char *dir)
{
    struct ucred peer = {.pid = 0};
    socklen_t length = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) {
        return refuse(trust, errno, "the run directory %s is not used: nobody says who listens there", dir);
    }
    if (is_trusted(trust, peer.uid)) {
        return 0;
    }
    return refuse(trust, EACCES,
                  "the run directory %s is not used: uid %u listens there, not you (uid %u), root or its owner", dir,
                  (unsigned) peer.uid, (unsigned) trust->self);
}
