#include "connect.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "broker_trust.h"
#include "error.h"
#include "run_dirs.h"

enum { NONE, BEING_WRITTEN, WRITTEN };

static _Atomic int passed_over_state;
static char passed_over[sizeof(((struct broker_trust *) 0)->why)]; /* for good once it is WRITTEN */

const char *connect_passed_over(void)
{
    return atomic_load(&passed_over_state) == WRITTEN ? passed_over : NULL;
}

static void note_passed_over(const char *why)
{
    int none = NONE;
    if (atomic_compare_exchange_strong(&passed_over_state, &none, BEING_WRITTEN)) {
        snprintf(passed_over, sizeof passed_over, "%s", why);
        atomic_store(&passed_over_state, WRITTEN);
    }
}

static void limit_waits(int fd, int64_t ns)
{
    struct timeval limit = {ns / 1000000000, ns % 1000000000 / 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit); /* also of connect */
}

/* 0, or an error with its text. */
static int connect_to(const struct sockaddr_un *address, int64_t patience_ns, int *connected)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return error_set(errno, "no socket to the broker");
    }
    if (patience_ns > 0) {
        limit_waits(fd, patience_ns);
    }
    int result;
    do {
        result = connect(fd, (const struct sockaddr *) address, sizeof *address);
    } while (result < 0 && errno == EINTR);
    if (result < 0) {
        int error = error_set(errno, "connect to the broker at %s", address->sun_path);
        close(fd);
        return error;
    }
    *connected = fd;
    return 0;
}

int connect_to_broker(int64_t patience_ns, int *connected)
{
    struct run_dirs dirs;
    struct broker_trust trust;
    struct broker_trust refused = {.why = ""};
    int refusal = 0; /* the first one's error */
    int refusals = 0;
    char looked[2 * sizeof(struct sockaddr_un)] = "";
    int error = run_dirs_find(&dirs);
    for (int i = 0; error == 0 && i < dirs.count; i++) {
        const char *dir = dirs.paths[i];
        struct sockaddr_un address = run_dirs_socket(dir);
        int why_not = broker_trust_look(&trust, dir);
        if (why_not == 0) {
            error = connect_to(&address, patience_ns, connected);
            if (error == 0) {
                why_not = broker_trust_check(&trust, *connected, dir);
                if (why_not == 0) {
                    return 0;
                }
                close(*connected);
            } else if (error == -ECONNREFUSED || error == -ENOENT) {
                why_not = -ENOENT;
                error = 0;
            } else {
                return error;
            }
        }
        if (why_not == -ENOENT) {
            size_t length = strlen(looked);
            snprintf(looked + length, sizeof looked - length, "%s%s", length > 0 ? " or " : "", address.sun_path);
        } else if (refusals++ == 0) {
            refusal = why_not;
            refused = trust;
            note_passed_over(trust.why);
        }
    }
    if (error < 0) {
        return error;
    }
    if (refusals == dirs.count) {
        return error_set(-refusal, "%s: choose another with RBDW_RUN_DIR", refused.why);
    }
    return error_set(ECONNREFUSED, "no broker is running at %s: start one with rbdwrapper-broker start%s%s", looked,
                     refusals > 0 ? "; " : "", refused.why);
}
