/* Where a client looks for a broker: the twin of RunDirectories.clientRunDirs. */

#ifndef RBDW_RUN_DIRS_H
#define RBDW_RUN_DIRS_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MAX_RUN_DIRS 2
#define RUN_DIR_SOCKET "/broker.sock"
#define RUN_DIR_MAX_PATH (int) (sizeof(((struct sockaddr_un *) 0)->sun_path) - sizeof RUN_DIR_SOCKET)

/* In the order in which they are to be tried. Whether one may be used: broker_trust.h. */
struct run_dirs {
    int count;
    char paths[MAX_RUN_DIRS][RUN_DIR_MAX_PATH + 1];
};

/* 0, or -ENAMETOOLONG with its text. */
int run_dirs_find(struct run_dirs *dirs);

/* The address of the socket in one of them. */
struct sockaddr_un run_dirs_socket(const char *path);

/* Whether there is a socket at which nobody need listen, where a broker may be: one that ends takes its own away, unless it was
 * killed or the next one follows. */
bool run_dirs_have_socket(void);

#endif
