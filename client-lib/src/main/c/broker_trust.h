/* Whom a client takes for the broker of a run directory: the twin of BrokerTrust.
 *
 * Root and the client's own user, always. Another user, as the broker's of the system is, where the run directory belongs to
 * him and nobody but root, the client's user and he can put another in its place. So it is with /run/rbdwrapper, and not with a
 * folder of another user in /tmp: whoever makes that first would play the broker. Such a folder is not even connected to, as
 * its owner could let us wait. */

#ifndef RBDW_BROKER_TRUST_H
#define RBDW_BROKER_TRUST_H

#include <stdbool.h>
#include <sys/types.h>

struct broker_trust {
    bool has_self; /* self is told from those whom this user namespace has no number for */
    bool has_owner;
    uid_t self;
    uid_t owner; /* of the run directory, where he may run its broker */
    char why[240]; /* of an error, in one sentence */
};

/* Looks at a run directory. Signal-safe.
 *
 * 0: to be connected to; -ENOENT: there is none; else an error, with why: it is not to be used. What it finds stays true:
 * whoever could change it is trusted, or does not count. */
int broker_trust_look(struct broker_trust *trust, const char *dir);

/* Of a socket that is connected to dir's, before anything is sent. 0, or an error, with why: the server's user is none of
 * those. Signal-safe. */
int broker_trust_check(struct broker_trust *trust, int socket, const char *dir);

#endif
