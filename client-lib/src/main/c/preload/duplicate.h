#ifndef RBDW_DUPLICATE_H
#define RBDW_DUPLICATE_H

#include "open_file.h"

/* Notes that the kernel has made fd another descriptor of file, whose reference becomes the table's.
 * fd < 0: it has not. Returns fd, or -1 with errno. */
int duplicate_note(struct open_file *file, int fd);

#endif
