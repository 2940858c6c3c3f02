#include "run_dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "system_call.h"

#define SOCKET_NAME "broker.sock"
#define SYSTEM_RUN_DIR "/run/rbdwrapper"

/* NULL where it is not set or empty, and in a setuid program, whose caller must not choose. */
static const char *value(const char *name)
{
    const char *value = secure_getenv(name);
    return value == NULL || *value == '\0' ? NULL : value;
}

static int add(struct broker_sockets *sockets, const char *dir, const char *below)
{
    struct sockaddr_un *address = &sockets->addresses[sockets->count];
    address->sun_family = AF_UNIX;
    size_t room = sizeof address->sun_path;
    int length = snprintf(address->sun_path, room, "%s%s/" SOCKET_NAME, dir, below);
    if (length < 0 || (size_t) length >= room) {
        return error_set(ENAMETOOLONG,
                         "the run directory %s%s is too long for a socket, which has %zu bytes:"
                         " choose another with RBDW_RUN_DIR",
                         dir, below, room - 1);
    }
    sockets->count++;
    return 0;
}

/* /tmp belongs to all: who makes the folder first could play the broker. */
static int add_temporary(struct broker_sockets *sockets, uid_t uid)
{
    char dir[64];
    struct stat status;
    snprintf(dir, sizeof dir, "/tmp/rbdwrapper-%u", (unsigned) uid);
    if (lstat(dir, &status) == 0 && status.st_uid != uid && status.st_uid != 0) {
        return error_set(EACCES,
                         "the run directory %s belongs to uid %u and not to uid %u: remove it or"
                         " choose another with RBDW_RUN_DIR",
                         dir, (unsigned) status.st_uid, (unsigned) uid);
    }
    return add(sockets, dir, "");
}

int run_dirs_find_sockets(struct broker_sockets *sockets)
{
    sockets->count = 0;
    const char *given = value("RBDW_RUN_DIR");
    if (given != NULL) {
        return add(sockets, given, "");
    }
    uid_t uid = geteuid();
    if (uid != 0) {
        const char *runtime = value("XDG_RUNTIME_DIR");
        int error = runtime != NULL ? add(sockets, runtime, "/rbdwrapper")
                                    : add_temporary(sockets, uid);
        if (error < 0) {
            return error;
        }
    }
    return add(sockets, SYSTEM_RUN_DIR, "");
}

bool run_dirs_have_socket(void)
{
    struct broker_sockets sockets;
    bool there = false;
    if (run_dirs_find_sockets(&sockets) < 0) {
        return false;
    }
    for (int i = 0; i < sockets.count && !there; i++) {
        /* not access(): the preload library has one of its own */
        there = system_call(SYS_faccessat, AT_FDCWD, (long) sockets.addresses[i].sun_path, F_OK, 0, 0, 0) == 0;
    }
    return there;
}
