/* Calls that may wait for long, made by syscall(2): as those by name, but no cancellation points, as the C library's
 * syscall() is none. As results with errno. */

#ifndef RBDW_BY_NUMBER_H
#define RBDW_BY_NUMBER_H

#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

int openat_by_number(int directory, const char *path, int flags, mode_t mode);
ssize_t recvmsg_by_number(int socket, struct msghdr *message, int flags);
int recvmmsg_by_number(int socket, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout);

#endif
