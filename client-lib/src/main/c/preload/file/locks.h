/* Record locks, locks of open file descriptions and flock(2) on images: the kernel's own, on a memfd
 * of the image that the broker gives to all who have it open. */

#ifndef RBDW_LOCKS_H
#define RBDW_LOCKS_H

#include <fcntl.h>

#include "open_file.h"

/* command: F_GETLK, F_SETLK, F_SETLKW or one of F_OFD_*. 0 or an error. */
int lock_records(struct open_file *file, int command, struct flock *lock);

/* As flock(2). */
int lock_whole(struct open_file *file, int operation);

/* A descriptor of the file is about to be closed: with it go all record locks of this process on the
 * image, even those made through other descriptors, as POSIX wants it. */
void open_file_before_close(struct open_file *file, int fd);

#endif
