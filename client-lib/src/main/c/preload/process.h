/* Which process runs this code. A child of vfork(2) has the parent's memory but descriptors of its
 * own: what it opens, duplicates and closes there must not be noted in the parent's table. */

#ifndef RBDW_PROCESS_H
#define RBDW_PROCESS_H

#include <stdbool.h>

/* False in a child that runs in its parent's memory. One getpid(2). */
bool process_owns_memory(void);

#endif
