#include "run_dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "broker_trust.h"
#include "error.h"
#include "system_call.h"

#define SYSTEM_RUN_DIR "/run/rbdwrapper"

/* NULL where it is not set or empty, and in a setuid program, whose caller must not choose. */
static const char *value(const char *name)
{
    const char *value = secure_getenv(name);
    return value == NULL || *value == '\0' ? NULL : value;
}

static int add(struct run_dirs *dirs, const char *dir, const char *below)
{
    size_t room = sizeof dirs->paths[0];
    int length = snprintf(dirs->paths[dirs->count], room, "%s%s", dir, below);
    if (length < 0 || (size_t) length >= room) {
        return error_set(ENAMETOOLONG,
                         "the run directory %s%s is too long for a socket, which has %zu bytes:"
                         " choose another with RBDW_RUN_DIR",
                         dir, below, room + sizeof RUN_DIR_SOCKET - 2);
    }
    dirs->count++;
    return 0;
}

int run_dirs_find(struct run_dirs *dirs)
{
    dirs->count = 0;
    const char *given = value("RBDW_RUN_DIR");
    if (given != NULL) {
        return add(dirs, given, "");
    }
    uid_t uid = geteuid();
    if (uid != 0) {
        const char *runtime = value("XDG_RUNTIME_DIR");
        char temporary[64];
        snprintf(temporary, sizeof temporary, "/tmp/rbdwrapper-%u", (unsigned) uid);
        int error = runtime != NULL ? add(dirs, runtime, "/rbdwrapper") : add(dirs, temporary, "");
        if (error < 0) {
            return error;
        }
    }
    return add(dirs, SYSTEM_RUN_DIR, "");
}

struct sockaddr_un run_dirs_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.*s" RUN_DIR_SOCKET, RUN_DIR_MAX_PATH, path);
    return address;
}

bool run_dirs_have_socket(void)
{
    struct run_dirs dirs;
    struct broker_trust trust;
    bool there = false;
    if (run_dirs_find(&dirs) < 0) {
        return false;
    }
    for (int i = 0; i < dirs.count && !there; i++) {
        struct sockaddr_un address = run_dirs_socket(dirs.paths[i]);
        /* not access(): the preload library has one of its own */
        there = broker_trust_look(&trust, dirs.paths[i]) == 0
                && system_call(SYS_faccessat, AT_FDCWD, (long) address.sun_path, F_OK, 0, 0, 0) == 0;
    }
    return there;
}
