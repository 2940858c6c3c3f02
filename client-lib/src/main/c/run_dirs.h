/* Where a client looks for a broker: the twin of RunDirectories.clientRunDirs. */

#ifndef RBDW_RUN_DIRS_H
#define RBDW_RUN_DIRS_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MAX_SOCKETS 2

/* Sockets of brokers in the order in which they are to be tried. */
struct broker_sockets {
    int count;
    struct sockaddr_un addresses[MAX_SOCKETS];
};

/* 0, or an error with its text: -ENAMETOOLONG, -EACCES where the folder belongs to somebody who
 * might put a broker of his own there. */
int run_dirs_find_sockets(struct broker_sockets *sockets);

/* Whether there is a socket at which nobody need listen: a broker that ends takes its own away, unless
 * it was killed or the next one follows. */
bool run_dirs_have_socket(void);

#endif
