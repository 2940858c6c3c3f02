/* The descriptors that this library keeps open in somebody else's program: put out of the way of its
 * low numbers, and known, so that the preload library can keep a program that closes "all"
 * descriptors from closing them. Any thread, no lock. */

#ifndef RBDW_DESCRIPTOR_H
#define RBDW_DESCRIPTOR_H

#include <stdbool.h>

/* No kept descriptor has this number or a higher one, if numbers below were free. */
#define DESCRIPTOR_KEPT_END 1024

/* Moves fd up, close-on-exec, and remembers it. Returns the new number, or fd itself where there is
 * no room above. */
int descriptor_keep(int fd);

/* Forgets and closes it. */
void descriptor_drop(int fd);

/* One look where fd is low. */
bool descriptor_is_kept(int fd);

#endif
